#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests the Python binding: test.sh BUILD VENV_PYTHON [SUITE ...]. First its core, with
# the system's Python and no package at all; then everything, with the packages of the
# environment that .ci/venv.sh makes, the wheel too, which is built into BUILD. Exits with
# 77 where the second half cannot run.
set -eu
build=$(cd "$1" && pwd)
python=$2
shift 2
folder=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$folder/../.." && pwd)
case $python in
/*) ;;
*) python=$PWD/$python ;;
esac

export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$folder"
export SENTIMENT_BUILD="$build" SENTIMENT_LIBRARY="$build/libsentiment.so.0" SENTIMENT_MODEL=
unset SENTIMENT_REQUIRE SENTIMENT_PLUGIN_PATH LD_LIBRARY_PATH
cd "$folder/tests"

# Without the site module there is no package, whatever the machine has.
[ $# -gt 0 ] || python3 -S -m unittest

absent() {
    echo "skipped: $*"
    [ "${CI:-}" != true ] || exit 1
    exit 77
}
[ -x "$python" ] || absent "no $python; .ci/venv.sh build-python makes it, in $root"
command -v java >/dev/null || absent 'no java, which Spark runs on'

wheel=
if [ $# -eq 0 ]; then
    wheel=$(python3 ../build_wheel.py "$build/python-wheel" 2>"$build/python-wheel.log") ||
        tail -n 20 "$build/python-wheel.log" >&2
fi
SENTIMENT_WHEEL=$wheel SENTIMENT_REQUIRE=1 "$python" -m unittest "$@"
[ $# -gt 0 ] || [ -n "$wheel" ] || absent 'the wheel, whose tools cannot be had'
