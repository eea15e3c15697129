#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the zip of a Lambda function: package.sh [--model FILE] BUILD OUT.zip [c|python].
# c: the custom runtime, tools/lambda/, with the libraries that it needs beyond glibc.
# python: the handler in python/, with the Python package and its library. Without
# --model it carries the bundled model in int8. The same build gives the same bytes.
set -eu
usage() {
    echo "usage: package.sh [--model FILE] BUILD OUT.zip [c|python]" >&2
    exit 2
}
fail() {
    echo "package: $*" >&2
    exit 1
}

model=''
if [ "${1:-}" = --model ]; then
    [ "$#" -ge 2 ] || usage
    model=$2
    shift 2
fi
[ "$#" -eq 2 ] || [ "$#" -eq 3 ] || usage
build=$1 out=$2 kind=${3:-c}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"
mkdir -p "$stage/lib"

# What glibc brings, and Lambda has.
GLIBC='^(linux-vdso|ld-linux.*|libc|libm|libdl|libpthread|librt|libresolv)\.so'

# libraries FILE: copies what it is linked with, and what those are, into lib/.
libraries() {
    ldd "$1" >"$work/ldd" || fail "$1: ldd cannot tell what it needs"
    ! grep 'not found' "$work/ldd" || fail "$1: the libraries above are missing"
    while read -r name arrow path _; do
        [ "$arrow" = '=>' ] || continue
        echo "$name" | grep -qE "$GLIBC" || cp -L "$path" "$stage/lib/$name"
    done <"$work/ldd"
}

# Lambda's Amazon Linux 2023 has glibc 2.34: nothing newer may be asked for.
check_glibc() {
    find "$stage" -type f ! -name '*.py' ! -name '*.safetensors' >"$work/files"
    while read -r file; do
        newest=$(objdump -T "$file" 2>/dev/null | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
        last=$(printf 'GLIBC_2.34\n%s\n' "$newest" | sort -V | tail -n 1)
        [ "$last" = GLIBC_2.34 ] || fail "$(basename "$file") needs $newest; Lambda has 2.34"
    done <"$work/files"
}

case $kind in
c)
    [ -x "$build/tools/lambda/sentiment-lambda" ] ||
        fail "$build has no tools/lambda/sentiment-lambda; configure it with -Dlambda=enabled"
    strip -o "$stage/bootstrap" "$build/tools/lambda/sentiment-lambda"
    libraries "$stage/bootstrap"
    ;;
python)
    [ -f "$build/libsentiment.so.0" ] || fail "$build has no libsentiment.so.0"
    cp "$here/python/lambda_function.py" "$stage"
    mkdir "$stage/sentiment"
    cp "$root"/bindings/python/sentiment/*.py "$stage/sentiment"
    strip -o "$stage/sentiment/libsentiment.so.0" "$build/libsentiment.so.0"
    libraries "$stage/sentiment/libsentiment.so.0"
    ;;
*) usage ;;
esac
if [ -n "$model" ]; then
    [ -f "$model" ] || fail "$model: no such file"
    "$build/sentiment" info --model "$model" >/dev/null || fail "$model: not a model"
    cp "$model" "$stage/model.safetensors"
else
    # It also measures both models, which is not needed here.
    "$build/sentiment" optimize --seconds 0.01 "$root/models/sentiment-en.safetensors" \
        "$stage/model.safetensors" >/dev/null
fi
check_glibc

# Names in one order, one date and one set of rights: nothing of the machine gets in.
find "$stage" -type f -exec chmod 644 {} +
[ "$kind" = python ] || chmod 755 "$stage/bootstrap"
find "$stage" -exec touch -d '1980-01-01 00:00:00' {} +
case $out in /*) ;; *) out=$PWD/$out ;; esac
rm -f "$out"
(cd "$stage" && find . -type f | sed 's|^\./||' | sort | zip -q -9 -X -D "$out" -@)
echo "$out: $(wc -c <"$out") bytes"
