#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that a part of the project needs and that this
# machine lacks: deps.sh light|full|ci|deploy|bench. The one list of packages is here.
# Without a missing package it needs no network and no rights.
set -eu

# light: the library, the command and the demo.
light='gcc libc6-dev meson ninja-build pkg-config zlib1g-dev libjansson-dev python3'
# full: the plugins for libtorch and ONNX, and the tests. Without OpenBLAS,
# libtorch falls back on the reference BLAS, which trains ten times as slowly.
full="$light g++ libtorch-dev libonnx-dev libprotobuf-dev libopenblas0-openmp libcmocka-dev"
full="$full abigail-tools python3-venv libevent-dev libssl-dev libcurl4-openssl-dev"
# The Python binding is tested inside Spark, which runs on Java. Go and Rust, which
# Debian 12 has in older versions than the bindings need, are taken as they are found.
full="$full openjdk-17-jre-headless"
# ci: the second compiler with its runtimes; the cross compiler and the emulator; what
# reads the server's metrics and shows its page.
ci="$full clang libclang-rt-14-dev gcc-aarch64-linux-gnu qemu-user prometheus chromium"
# arm64: with ci, what is built for aarch64 links with; of another architecture,
# which is added for them. Without them .ci/aarch64.sh is skipped.
arm64='zlib1g-dev:arm64 libjansson-dev:arm64 libcmocka-dev:arm64'

# deploy: what the tests of deploy/ run, and build images with.
deploy="$full zip openssl"

# bench: what `make bench` measures beside the library.
bench="$full libdnnl-dev python3-torch python3-numpy fasttext util-linux wrk"

foreign=''
case "${1:-}" in
light) wanted=$light ;;
full) wanted=$full ;;
ci)
    wanted=$ci
    [ "$(uname -m)" != x86_64 ] || foreign=$arm64
    ;;
deploy) wanted=$deploy ;;
bench) wanted=$bench ;;
--list)
    printf 'light: %s\nfull: %s\nci: %s\narm64: %s\ndeploy: %s\nbench: %s\n' \
        "$light" "$full" "$ci" "$arm64" "$deploy" "$bench"
    exit 0
    ;;
*)
    echo "usage: deps.sh light|full|ci|deploy|bench|--list" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: no apt-get here; going on, provided that you have the like of: $wanted" >&2
    exit 0
fi

# Prints those packages that are not installed; without an architecture behind a
# colon, for this machine's.
missing_of() {
    native=$(dpkg --print-architecture)
    for package in "$@"; do
        case $package in
        *:*) architecture=${package#*:} ;;
        *) architecture="($native|all)" ;;
        esac
        dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null |
            grep -qxE "$architecture installed" || printf ' %s' "$package"
    done
}

# shellcheck disable=SC2086 # lists of words
{
    missing=$(missing_of $wanted)
    foreign=$(missing_of $foreign)
}
[ -n "$missing$foreign" ] || exit 0
without="deps: going on without$foreign; .ci/aarch64.sh will be skipped"

as_root=''
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null; then
        as_root=sudo
    elif [ -n "$missing" ]; then
        echo "deps: neither root nor sudo; as root, run: apt-get install$missing" >&2
        exit 1
    else
        echo "$without (neither root nor sudo)" >&2
        exit 0
    fi
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Lists may be too old: then a file has moved.
install() {
    echo "deps: installing $*" >&2
    apt install -y --no-install-recommends "$@" && return
    apt update
    apt install -y --no-install-recommends "$@"
}

# A machine that cannot have another architecture stays as it was.
install_foreign() {
    if dpkg --print-foreign-architectures | grep -qx arm64; then
        install "$@"
        return
    fi
    $as_root dpkg --add-architecture arm64 || return
    apt update && install "$@" && return
    $as_root dpkg --remove-architecture arm64 || true
    return 1
}

# Lists may be absent: a fresh container.
if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    apt update
fi
# shellcheck disable=SC2086 # lists of words
{
    [ -z "$missing" ] || install $missing
    [ -z "$foreign" ] || install_foreign $foreign || echo "$without" >&2
}
