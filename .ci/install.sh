#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into an empty folder, then uses it as a stranger would:
# compiles the examples through pkg-config, against the shared library and
# against the static one, and runs one and the command: install.sh BUILD-FOLDER.
set -eu
cd "$(dirname "$0")/.."
build=$1
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet
pc=$(find "$stage" -name sentiment.pc)
[ -n "$pc" ] || { echo "install: no sentiment.pc" >&2 && exit 1; }
prefix=$stage$(sed -n 's/^prefix=//p' "$pc")
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH

# Nothing of the source tree or of the build folder may be needed.
cp -r examples "$stage/examples"
for kind in shared static; do
    make -s -C "$stage/examples" OUT="$stage/$kind" CFLAGS='-Wall -Wextra -Werror' \
        PKG_CONFIG="pkg-config --define-variable=prefix=$prefix" \
        $([ $kind = shared ] || echo STATIC=1)
done

# The model that was installed, from where a prefix has it.
modeldir=$(pkg-config --define-variable=prefix="$prefix" --variable=modeldir sentiment)
model=$modeldir/sentiment-en.safetensors
cd "$stage"
for kind in shared static; do
    echo "install: example, $kind"
    LD_LIBRARY_PATH=$libdir "./$kind/predict" "$model" "I love this product!"
done
if ldd ./static/predict | grep -q libsentiment; then
    echo "install: the static example still needs libsentiment.so" >&2
    exit 1
fi
echo "install: the command"
LD_LIBRARY_PATH=$libdir SENTIMENT_MODEL='' "$prefix/bin/sentiment" predict "I love this product!"
