#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compares the library's binary interface with the committed baseline, or
# renews the baseline: abi.sh check|renew. Any difference fails the check, an
# addition too: a change of the ABI is deliberate and comes with its baseline.
# The baseline is that of x86-64; elsewhere the check says so and passes.
set -eu
cd "$(dirname "$0")/.."
baseline=docs/abi/libsentiment-0.abi
build="build-abi"

case "${1:-}" in
check | renew) ;;
*)
    echo "usage: abi.sh check|renew" >&2
    exit 2
    ;;
esac
if [ "$(uname -m)" != x86_64 ]; then
    echo "abi: the baseline is for x86_64, this is $(uname -m)" >&2
    [ "$1" = check ]
    exit
fi

# abigail reads debug information; a fixed compiler keeps the baseline still.
if [ ! -f $build/build.ninja ]; then
    CC=gcc meson setup $build --buildtype=debugoptimized -Dtests=false -Dtorch=disabled \
        -Donnx=disabled >/dev/null
fi
meson compile -C $build --ninja-args=--quiet sentiment:shared_library >/dev/null

# What is behind the handles is private and stays out, as do lines and folders.
current=$build/current.abi
abidw --exported-interfaces-only --headers-dir include/sentiment --drop-private-types \
    --drop-undefined-syms --no-corpus-path --no-comp-dir-path --no-show-locs \
    --type-id-style hash --out-file $current $build/libsentiment.so

if [ "$1" = renew ]; then
    mkdir -p "$(dirname $baseline)"
    cp $current $baseline
    echo "abi: wrote $baseline"
elif abidiff --harmless $baseline $current; then
    echo "abi: as $baseline"
else
    echo "abi: differs from $baseline; if that is meant, run: make abi" >&2
    exit 1
fi
