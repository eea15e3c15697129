#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the shared library twice, from copies of the tree in folders of
# different names and depths, and compares the bytes.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for copy in one a/longer/name; do
    mkdir -p "$work/$copy"
    tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$work/$copy"
    meson setup "$work/$copy/build" "$work/$copy" -Dtests=false -Dtorch=disabled \
        -Donnx=disabled >/dev/null
    meson compile -C "$work/$copy/build" sentiment:shared_library >/dev/null
done
cmp "$work/one/build/libsentiment.so" "$work/a/longer/name/build/libsentiment.so"
echo "reproduce: same bytes"
