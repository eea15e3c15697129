#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds with sanitizers and runs tests under them: sanitize.sh address|thread.
# libtorch is not built for sanitizers and leaks by design: no plugin here.
set -eu
cd "$(dirname "$0")/.."
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT

# Whether an empty program runs under a sanitizer here: some containers forbid
# the ptrace of the leak check, some kernels the address layout of TSan.
probe_runs() {
    sanitizer=$1
    shift
    echo 'int main(void) { return 0; }' >"$probe/probe.c"
    cc -fsanitize="$sanitizer" -o "$probe/probe" "$probe/probe.c"
    "$@" "$probe/probe" >/dev/null 2>&1
}

# Warnings are errors in the plain builds; instrumented code gives false ones.
configure() {
    [ -f "$1/build.ninja" ] || meson setup "$1" --buildtype=debugoptimized -Db_lundef=false \
        -Dwerror=false -Dtests=true -Dtorch=disabled -Donnx=disabled -Db_sanitize="$2"
    ninja -C "$1"
}

case "${1:-}" in
address)
    leaks=1
    if ! probe_runs address env ASAN_OPTIONS=detect_leaks=1; then
        leaks=0
        echo "sanitize: no leak check, this machine forbids ptrace" >&2
    fi
    ASAN_OPTIONS=detect_leaks=$leaks:abort_on_error=1
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_stack_use_after_return=1:check_initialization_order=1
    UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
    export ASAN_OPTIONS UBSAN_OPTIONS
    configure build-asan address,undefined
    meson test -C build-asan --no-rebuild --print-errorlogs --timeout-multiplier 6 \
        --no-suite hygiene
    bindings/python/sanitized.sh address build-asan
    ;;
thread)
    wrap=''
    if ! probe_runs thread; then
        wrap="setarch $(uname -m) -R"
        # shellcheck disable=SC2086 # a list of words
        if ! probe_runs thread $wrap; then
            echo "sanitize: TSan does not run on this machine, skipped" >&2
            exit 0
        fi
    fi
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    export TSAN_OPTIONS
    configure build-tsan thread
    # shellcheck disable=SC2086
    $wrap meson test -C build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 6 \
        --suite threads --suite serve
    # shellcheck disable=SC2086
    $wrap bindings/python/sanitized.sh thread build-tsan
    ;;
*)
    echo "usage: sanitize.sh address|thread" >&2
    exit 2
    ;;
esac
