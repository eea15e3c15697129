#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a Python environment: venv.sh FOLDER [REQUIREMENTS [OPTION...]], by default the
# one that tests compare with (ONNX Runtime, Hugging Face tokenizers). Options go to
# `python3 -m venv`. An environment of the same requirements is left as it is. Where
# the packages cannot be had, the tests that need them are skipped; CI insists.
set -eu
folder=$1
wanted=${2:-tests/python/requirements.txt}
shift "$(($# < 2 ? $# : 2))"
cd "$(dirname "$0")/.."

if [ -f "$folder/requirements.txt" ] && cmp -s "$wanted" "$folder/requirements.txt"; then
    exit 0
fi
rm -rf "$folder"
if python3 -m venv "$@" "$folder" &&
    "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
        -r "$wanted" </dev/null; then
    cp "$wanted" "$folder/requirements.txt"
    exit 0
fi
rm -rf "$folder"
[ "${CI:-}" != true ] || exit 1
echo "venv: no Python packages to be had; tests that need them will be skipped" >&2
