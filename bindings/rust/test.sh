#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests the Rust binding against the library of a build folder: test.sh BUILD.
# Format, lints, unit and integration tests, documents, a static program, and what a
# build says that finds no library. Everything that is built goes into BUILD. Exit
# status 77: this machine lacks something; under CI=true that is a failure.
#
# test.sh BUILD --tsan runs the tests with threads under ThreadSanitizer, which must
# see all code to be right: nightly Rust with rust-src builds the standard library,
# clang the C library, both anew.
set -euo pipefail

skip() {
    echo "rust: skipped, $1"
    [ "${CI:-}" = true ] && exit 1
    exit 77
}

fail() {
    echo "rust: $1" >&2
    exit 1
}

# Threads' tests under ThreadSanitizer.
run_tsan() {
    local sources target library=$build/rust-tsan wrap=()
    sources=$(RUSTUP_AUTO_INSTALL=0 rustc +nightly --print sysroot 2>/dev/null || true)
    sources=$sources/lib/rustlib/src/rust
    [ -f "$sources/library/Cargo.toml" ] || skip 'no nightly Rust with rust-src'
    for tool in clang meson ninja; do
        command -v "$tool" >/dev/null || skip "no $tool"
    done
    # Some kernels lay memory out as TSan cannot have it.
    echo 'int main(void) { return 0; }' >"$empty.c"
    clang -fsanitize=thread -o "$empty.program" "$empty.c"
    "$empty.program" 2>/dev/null || wrap=(setarch "$(uname -m)" -R)
    "${wrap[@]}" "$empty.program" 2>/dev/null || skip 'ThreadSanitizer does not run here'

    [ -f "$library/build.ninja" ] || CC=clang CXX=clang++ meson setup "$library" ../.. \
        --buildtype=debugoptimized -Db_lundef=false -Dwerror=false -Dtests=false \
        -Dtorch=disabled -Donnx=disabled -Db_sanitize=thread
    ninja -C "$library" --quiet
    target=$(rustc +nightly -vV | sed -n 's/^host: //p')
    RUSTFLAGS=-Zsanitizer=thread TSAN_OPTIONS=halt_on_error=1 SENTIMENT_LIB_DIR=$library \
        LD_LIBRARY_PATH=$library CARGO_TARGET_DIR=$CARGO_TARGET_DIR/tsan \
        "${wrap[@]}" cargo +nightly test --quiet --locked -Zbuild-std --target "$target" \
        --test threads
    echo 'rust: passed under ThreadSanitizer'
}

if [ ! -d "${1:-}" ] || [ "${2:---tsan}" != --tsan ]; then
    echo 'usage: test.sh BUILD [--tsan]' >&2
    exit 2
fi
build=$(realpath "$1")
cd "$(dirname "$0")"
# rustup's come before older ones of the system.
export PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"

command -v cargo >/dev/null && command -v rustc >/dev/null || skip 'no cargo and rustc'
version=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n' 1.64.0 "$version" | sort -V | head -1)" = 1.64.0 ] ||
    skip "rustc is $version, 1.64 or newer is needed"
command -v pkg-config >/dev/null || skip 'no pkg-config'

unset SENTIMENT_LIB_DIR SENTIMENT_STATIC SENTIMENT_MODEL
export PKG_CONFIG_PATH=$build/meson-uninstalled
export LD_LIBRARY_PATH=$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CARGO_TARGET_DIR=$build/rust-target
export CARGO_TERM_COLOR=never RUST_BACKTRACE=0
empty=$CARGO_TARGET_DIR/empty
mkdir -p "$empty"

# The one dependency comes from crates.io, once.
cargo fetch --quiet --locked --offline 2>/dev/null || cargo fetch --quiet --locked 2>/dev/null ||
    skip 'crates.io cannot be reached, and the crate pkg-config is not in the cache'

if [ "${2:-}" = --tsan ]; then
    run_tsan
    exit 0
fi

if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --check
else
    echo 'rust: no rustfmt, format not checked'
fi
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --quiet --locked --all-targets -- -D warnings
else
    echo 'rust: no clippy, lints not checked'
fi
cargo test --quiet --locked
RUSTDOCFLAGS='-D warnings' cargo doc --quiet --locked --no-deps

# A program that has the library inside.
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/other
SENTIMENT_STATIC=1 cargo build --quiet --locked --example classify
program=$CARGO_TARGET_DIR/debug/examples/classify
case $(ldd "$program") in
*libsentiment*) fail 'the static program needs libsentiment.so' ;;
esac
model=$build/models/sentiment-en.safetensors
answer=$(SENTIMENT_MODEL=$model "$program" <<<'I love this product!')
[ "${answer%%[[:space:]]*}" = positive ] || fail "the static program says: $answer"

# expect TEXT COMMAND...: a build that fails and says so.
expect() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then
        fail "built although it should not: $*"
    fi
    case $said in
    *"$text"*) ;;
    *) fail "expected \"$text\" in: $said" ;;
    esac
}

check=(cargo check --quiet --locked --package sentiment-sys)
expect "Tried:
    $empty/libsentiment.so: no such file" env SENTIMENT_LIB_DIR="$empty" "${check[@]}"
expect "$empty/libsentiment.a: no such file" \
    env SENTIMENT_LIB_DIR="$empty" SENTIMENT_STATIC=1 "${check[@]}"
expect '  build: not an absolute path' env SENTIMENT_LIB_DIR=build "${check[@]}"
expect "PKG_CONFIG_LIBDIR: $empty" env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR="$empty" "${check[@]}"
expect 'SENTIMENT_STATIC is "yes"; expected 0 or 1' env SENTIMENT_STATIC=yes "${check[@]}"

# The folder alone is enough, and wins.
env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR="$empty" SENTIMENT_LIB_DIR="$build" \
    cargo build --quiet --locked --example classify
case $(ldd "$program") in
*"libsentiment.so.0 => $build/"*) ;;
*) fail 'another library was linked' ;;
esac
echo 'rust: passed'
