#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzz targets, two at a time, from their committed corpora:
# fuzz.sh [SECONDS [TARGET...]], by default 30 seconds of each. Fails on a crash,
# a leak, half a minute for one input or 2 GiB. Inputs to blame stay in
# build-fuzz/crashes, what was found on the way in build-fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
[ $# -eq 0 ] || shift
build="build-fuzz"
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT

# libFuzzer and the sanitizers come in a package of their own.
echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' >"$probe/probe.c"
if ! command -v clang >/dev/null ||
    ! clang -fsanitize=fuzzer,address,undefined -o "$probe/probe" "$probe/probe.c" 2>/dev/null; then
    echo "fuzz: skipped, no clang with libFuzzer here (packages clang, libclang-rt-14-dev)" >&2
    exit 0
fi

# Code under the sanitizers gives warnings that the plain builds do not.
[ -f $build/build.ninja ] || CC=clang CXX=clang++ meson setup $build -Doptimization=1 -Ddebug=true \
    -Dfuzz=true -Dtests=true -Dtorch=disabled -Donnx=disabled -Dwerror=false -Db_lundef=false \
    -Db_sanitize=address,undefined
ninja -C $build --quiet fuzz
mkdir -p $build/crashes $build/corpus

ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1
clang -fsanitize=address -x c -o "$probe/leak" - <<'END'
int main(void) { return 0; }
END
if ! "$probe/leak" >/dev/null 2>&1; then
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
    echo "fuzz: no leak check, this machine forbids ptrace" >&2
fi
UBSAN_OPTIONS=print_stacktrace=1
SENTIMENT_MODEL=
export ASAN_OPTIONS UBSAN_OPTIONS SENTIMENT_MODEL

# run TARGET: one line about it, and its log where it failed.
run() {
    target=$1 log=$build/fuzz-$1.log dictionary='' status=0
    [ ! -f "tests/fuzz/$target.dict" ] || dictionary=-dict=tests/fuzz/$target.dict
    mkdir -p "$build/corpus/$target"
    # shellcheck disable=SC2086 # an option or nothing
    $build/tests/fuzz/fuzz_$target -seed=1 -max_total_time="$seconds" -timeout=30 \
        -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 $dictionary \
        -artifact_prefix="$build/crashes/$target-" "$build/corpus/$target" \
        "tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    [ "$status" -eq 0 ] || tail -n 60 "$log"
    echo "fuzz: $target: ${runs:-0} runs, ${coverage:-0} branches, exit status $status"
    return "$status"
}

if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        set -- "$@" "${name%.c}"
    done
fi
failed=0
while [ $# -gt 0 ]; do
    first=$1 second=${2:-}
    shift
    run "$first" &
    if [ -n "$second" ]; then
        shift
        run "$second" || failed=1
    fi
    wait $! || failed=1
done
exit $failed
