#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that a part of the project needs and that this
# machine lacks: deps.sh light|full|ci|bench. The one list of packages is here.
# Without a missing package it needs no network and no rights.
set -eu

# light: the library, the command and the demo.
light='gcc libc6-dev meson ninja-build pkg-config zlib1g-dev libjansson-dev python3'
# full: the plugins for libtorch and ONNX, and the tests. Without OpenBLAS,
# libtorch falls back on the reference BLAS, which trains ten times as slowly.
full="$light g++ libtorch-dev libonnx-dev libprotobuf-dev libopenblas0-openmp libcmocka-dev"
full="$full abigail-tools python3-venv"
# ci: the second compiler with its runtimes.
ci="$full clang libclang-rt-14-dev"

# bench: what `make bench` measures beside the library.
bench="$full libdnnl-dev python3-torch python3-numpy fasttext util-linux"

case "${1:-}" in
light) wanted=$light ;;
full) wanted=$full ;;
ci) wanted=$ci ;;
bench) wanted=$bench ;;
--list)
    printf 'light: %s\nfull: %s\nci: %s\nbench: %s\n' "$light" "$full" "$ci" "$bench"
    exit 0
    ;;
*)
    echo "usage: deps.sh light|full|ci|bench|--list" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: no apt-get here; going on, provided that you have the like of: $wanted" >&2
    exit 0
fi

missing=''
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "deps: installing$missing" >&2

as_root=''
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: neither root nor sudo; as root, run: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Lists may be absent (a fresh container) or too old (the file has moved).
if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    apt update
fi
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing && exit 0
apt update
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing
