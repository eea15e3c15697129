#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds for aarch64 with Debian's cross compiler and its arm64 libraries, without
# plugins, and runs tests under qemu-user: with NEON and its dot product, with
# NEON alone on an emulated processor that has no more, and in plain C. Says so
# and ends well where the packages cannot be. Takes no figures: qemu has none.
set -eu
cd "$(dirname "$0")/.."
build='build-aarch64'
log=$build/meson-logs/testlog.json

# What depends on the kernels and is quick.
numbers='base-cpu kernels kernels-int8 nn-int8 nn-settle cli-predict'

if [ "$(uname -m)" = aarch64 ]; then
    echo 'aarch64: skipped, this machine is one; the other checks run here as they are'
    exit 0
fi
for program in aarch64-linux-gnu-gcc qemu-aarch64; do
    if ! command -v "$program" >/dev/null; then
        echo "aarch64: skipped, no $program here (.ci/deps.sh ci)"
        exit 0
    fi
done
for library in zlib jansson cmocka; do
    if ! [ -f "/usr/lib/aarch64-linux-gnu/pkgconfig/$library.pc" ]; then
        echo "aarch64: skipped, no $library for arm64 here (.ci/deps.sh ci)"
        exit 0
    fi
done

[ -f "$build/build.ninja" ] || meson setup "$build" --cross-file .ci/aarch64.ini \
    -Dtests=true -Dtorch=disabled -Donnx=disabled
ninja -C "$build"
rm -f "$build"/meson-logs/testlog*

# run NAME TEST...: tests whose log is NAME's; the environment holds what to run on.
failed=''
run() {
    name=$1
    shift
    echo "aarch64: $name"
    meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 10 \
        --logbase "testlog-$name" "$@" || failed="$failed $name"
}

# The Python scripts among the tests start programs through this, as meson does.
export MESON_EXE_WRAPPER=qemu-aarch64
run neon --suite unit --suite kernels --suite golden
# shellcheck disable=SC2086 # a list of words
{
    run neon-cli cli-predict cli-int8 cli-tokenize
    QEMU_CPU=cortex-a53 run cortex-a53 $numbers
    SENTIMENT_ISA=neon-nodotprod run neon-nodotprod $numbers
    SENTIMENT_ISA=c run c $numbers
}
cat "$build"/meson-logs/testlog-*.json >"$log"
[ -z "$failed" ] || echo "aarch64: failed:$failed" >&2
[ -z "$failed" ]
