#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes sure that a build folder is configured with the given options, and
# touches it only where it is not: configure.sh FOLDER option=value ...
set -eu
folder=$1
shift

have=$(meson introspect --buildoptions "$folder" | python3 -c '
import json, sys
for option in json.load(sys.stdin):
    value = option["value"]
    print(option["name"] + "=" + (str(value).lower() if isinstance(value, bool) else str(value)))
')
change=''
for wanted in "$@"; do
    printf '%s\n' "$have" | grep -qxF "$wanted" || change="$change -D$wanted"
done
# shellcheck disable=SC2086 # a list of words
[ -z "$change" ] || meson setup --reconfigure "$folder" $change
