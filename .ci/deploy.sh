#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of deploy/ on the build in BUILD: deploy.sh BUILD [AREA...], by default
# all areas, the folders of tests/deploy/. Makes an environment for each that has Python
# packages of its own.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
[ "$#" -gt 0 ] || set -- tests/deploy/*/
.ci/deps.sh deploy
for area; do
    area=$(basename "$area")
    if [ -f "tests/deploy/$area/requirements.txt" ]; then
        mkdir -p build-deploy
        .ci/venv.sh "build-deploy/$area" "tests/deploy/$area/requirements.txt"
    fi
done
suites=''
for area; do suites="$suites --suite deploy-$(basename "$area")"; done
# shellcheck disable=SC2086 # a list of words
meson test -C "$build" --no-rebuild --print-errorlogs --logbase testlog-deploy \
    --setup all $suites
