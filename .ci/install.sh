#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into an empty folder, then uses it as a stranger would:
# compiles the example through pkg-config, against the shared library and
# against the static one, and runs both and the command: install.sh BUILD-FOLDER.
set -eu
cd "$(dirname "$0")/.."
build=$1
example=examples/predict.c
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet
pc=$(find "$stage" -name sentiment.pc)
[ -n "$pc" ] || { echo "install: no sentiment.pc" >&2 && exit 1; }
prefix=$stage$(sed -n 's/^prefix=//p' "$pc")
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH

flags() {
    pkg-config --define-variable=prefix="$prefix" "$@" sentiment
}

# Nothing of the source tree or of the build folder may be needed.
cp "$example" "$stage/example.c"
# shellcheck disable=SC2046 # lists of words
cc -std=c11 -Wall -Wextra -Werror -o "$stage/shared" "$stage/example.c" $(flags --cflags --libs)
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror -o "$stage/static" "$stage/example.c" $(flags --cflags) \
    $(flags --static --libs | sed 's/-lsentiment\b/-l:libsentiment.a/')

# The model that was installed, from where a prefix has it.
model=$(flags --variable=modeldir)/sentiment-en.safetensors
cd "$stage"
for program in shared static; do
    echo "install: example, $program"
    LD_LIBRARY_PATH=$libdir "./$program" "$model" "I love this product!"
done
if ldd ./static | grep -q libsentiment; then
    echo "install: the static example still needs libsentiment.so" >&2
    exit 1
fi
echo "install: the command"
LD_LIBRARY_PATH=$libdir SENTIMENT_MODEL='' "$prefix/bin/sentiment" predict "I love this product!"
