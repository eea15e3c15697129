#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests the Python binding: test.sh BUILD VENV_PYTHON [SUITE ...]. First its core, with
# the system's Python and no package at all; then everything, with the packages of the
# environment that .ci/venv.sh makes. Exits with 77 where the second half cannot run.
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

absent() {
    echo "skipped: $*"
    [ "${CI:-}" != true ] || exit 1
    exit 77
}

# Without the site module there is no package, whatever the machine has.
[ $# -gt 0 ] || SENTIMENT_PLAIN=1 python3 -S -m unittest

[ -x "$python" ] || absent "no $python; .ci/venv.sh build-python makes it, in $root"
command -v java >/dev/null || absent 'no java, which Spark runs on'
SENTIMENT_REQUIRE=1 "$python" -m unittest "$@"
