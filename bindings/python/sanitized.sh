#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs suites of the Python binding on a library that was built with sanitizers:
# sanitized.sh address|thread BUILD. Python itself is not instrumented, so that what is
# found is the library's, or what this package does with it.
set -eu
kind=$1
build=$(cd "$2" && pwd)
folder=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$folder" SENTIMENT_MODEL=
export SENTIMENT_BUILD="$build" SENTIMENT_LIBRARY="$build/libsentiment.so.0"
cd "$folder/tests"

library() { cc -print-file-name="lib$1.so"; }

case $kind in
address)
    # Python keeps what it has until its end.
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
    LD_PRELOAD="$(library asan) $(library ubsan)" python3 -S -m unittest test_golden \
        test_predict test_batch test_stream test_stress test_life.CloseTest test_life.ForkTest
    ;;
thread)
    LD_PRELOAD=$(library tsan) python3 -S -m unittest test_stress test_stream \
        test_life.CloseTest.test_threads_while_closing test_life.AsyncTest.test_executor
    ;;
*)
    echo "usage: sanitized.sh address|thread BUILD" >&2
    exit 2
    ;;
esac
