#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds everything with clang, warnings as errors, and runs the tests whose
# answers must not depend on the compiler.
set -eu
cd "$(dirname "$0")/.."
[ -f build-clang/build.ninja ] ||
    CC=clang CXX=clang++ meson setup build-clang -Dtests=true -Dtorch=enabled -Donnx=enabled
ninja -C build-clang
meson test -C build-clang --no-rebuild --print-errorlogs \
    --suite unit --suite kernels --suite golden
