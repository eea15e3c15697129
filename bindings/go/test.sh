#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test.sh BUILD: everything that is checked of the Go binding, against the library of a build
# folder: formatting, vet, the tests, the tests again with the race detector and with cgo's
# strictest pointer checks, a program with the static library. Exits 77 where Go 1.24, cc or
# pkg-config is missing; with CI=true that is a failure. Leaves nothing in the tree.
set -euo pipefail

build=$(cd "$1" && pwd)
cd "$(dirname "$0")"
export LC_ALL=C.UTF-8 GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=1
export PKG_CONFIG_PATH=$build/meson-uninstalled${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export LD_LIBRARY_PATH=$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PATH=$PATH:/usr/local/go/bin
# Heaps that come and go with threads would look like leaks.
export MALLOC_ARENA_MAX=1
unset SENTIMENT_MODEL SENTIMENT_ISA GOEXPERIMENT

absent() {
    echo "Go binding: $1; not tested"
    [ "${CI:-}" = true ] && exit 1
    exit 77
}

command -v go >/dev/null || absent 'no go'
command -v cc >/dev/null || absent 'no cc'
command -v pkg-config >/dev/null || absent 'no pkg-config'
version=$(go env GOVERSION)
minor=${version#go1.}
minor=${minor%%[!0-9]*}
[ "${minor:-0}" -ge 24 ] || absent "$version is older than Go 1.24"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SENTIMENT_TEST_TINY=$work/tiny.safetensors
"$build/sentiment" create --vocab-size 100 --embedding-dim 4 --hidden-size 4 --num-classes 3 \
    --padding none "$SENTIMENT_TEST_TINY"

step() {
    printf '== %s\n' "$1"
    shift
    "$@"
}

formatted() {
    local unformatted
    unformatted=$(gofmt -l . ../../bench/bindings/go_bench)
    [ -z "$unformatted" ] || { echo "gofmt: $unformatted"; return 1; }
}

# The tests as one program that needs no libsentiment.so.
static() {
    go test -c -tags sentiment_static -o "$work/static.test" .
    if ldd "$work/static.test" | grep libsentiment; then
        echo 'the static program needs the shared library'
        return 1
    fi
    env -u LD_LIBRARY_PATH SENTIMENT_MODEL="$build/models/sentiment-en.safetensors" \
        "$work/static.test" -test.run '^Example|^TestGolden|^TestVersion|^TestBatch'
}

step 'gofmt' formatted
step 'go vet' go vet .
step 'go vet of the benchmark' go -C ../../bench/bindings/go_bench vet .
step 'go test' go test -count=1 -timeout 300s .
step 'go test -race' go test -race -count=1 -timeout 300s .
step 'go test with cgocheck2' env GOEXPERIMENT=cgocheck2 go test -count=1 -timeout 300s .
if [ -f "$build/libsentiment.a" ]; then
    step 'static library' static
fi
