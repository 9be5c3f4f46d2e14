#!/bin/sh
# Makes sure that `cargo build --target wasm32-unknown-unknown` works.
#
#   scripts/install-rust.sh         install what is missing, and say what
#   scripts/install-rust.sh --env   print the `export` lines that builds need
#
# It tries rustup first. Where that cannot do it (no rustup, or no way to its
# downloads), root on Debian gets Debian's compiler and builds the target's
# standard library from Debian's sources. That compiler lies beside rustup's;
# which of the two is used is decided by the lines of --env, and nothing is
# written for it.
set -eu

target=wasm32-unknown-unknown
minimum=95 # the minor version of the oldest Rust 1 that will do
debian_rustc=/usr/bin/rustc
debian_linker=wasm-ld-19
debian_packages='rustc-web cargo-web rust-web-src rustfmt-web rust-web-clippy lld-19'

say() { echo "install-rust: $*" >&2; }

# recent RUSTC: whether that compiler runs and is no older than the minimum.
recent() {
    version=$("$1" --version 2>/dev/null | cut -d ' ' -f 2) || return 1
    minor=${version#1.}
    [ "$minor" != "$version" ] && [ "${minor%%.*}" -ge "$minimum" ]
}

libraries() { echo "$("$1" --print sysroot)/lib/rustlib/$target/lib"; }

# ready RUSTC: whether that compiler can build for the target.
ready() {
    recent "$1" && ls "$(libraries "$1")"/libstd-*.rlib >/dev/null 2>&1
}

is_debians() { [ "$("$1" --print sysroot)" = /usr ]; }

# The first compiler on the PATH, unless it is Debian's; that needs --env.
path_ready() {
    command -v cargo >/dev/null && command -v rustc >/dev/null && ready rustc && ! is_debians rustc
}

debian_ready() {
    [ -x /usr/bin/cargo ] && command -v "$debian_linker" >/dev/null && ready "$debian_rustc"
}

print_env() {
    if path_ready; then
        return 0
    fi
    if debian_ready; then
        cat <<EOF
export PATH="/usr/bin:\$PATH"
export RUSTC=$debian_rustc
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$debian_linker
EOF
        return 0
    fi
    say "no compiler for $target; run scripts/install-rust.sh"
    return 1
}

with_rustup() {
    command -v rustup >/dev/null || return 1
    if ! recent rustc; then
        say "rustup's default toolchain is older than Rust 1.$minimum: rustup update stable"
        return 1
    fi
    say "rustup target add $target"
    rustup target add "$target" >&2 && path_ready
}

with_debian() {
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
    # shellcheck disable=SC2086 # a list of words
    if ! dpkg -s $debian_packages >/dev/null 2>&1; then
        say "apt-get install $debian_packages"
        install_packages >&2 || return 1
    fi
    ready "$debian_rustc" || build_library
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    # A fresh machine has no package lists; others may have old ones.
    # shellcheck disable=SC2086
    { apt-cache show rustc-web >/dev/null 2>&1 && apt-get install -y --no-install-recommends $debian_packages; } ||
        { apt-get update && apt-get install -y --no-install-recommends $debian_packages; }
}

# Builds the standard library for the target, and puts it where the compiler
# looks for it.
build_library() {
    recent "$debian_rustc" || { say "Debian's Rust is older than 1.$minimum"; return 1; }
    say "building the standard library for $target"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir -p "$scratch/.cargo" "$scratch/src"
    : >"$scratch/src/lib.rs"
    cat >"$scratch/Cargo.toml" <<EOF
[package]
name = "scratch"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[workspace]
EOF
    cat >"$scratch/.cargo/config.toml" <<EOF
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/vendor"
EOF
    (
        cd "$scratch"
        unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER CARGO_BUILD_TARGET CARGO_TARGET_DIR
        export CARGO_HOME="$scratch/home" RUSTC="$debian_rustc" RUSTC_BOOTSTRAP=1
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$debian_linker"
        /usr/bin/cargo build --quiet --release --target "$target" -Zbuild-std=std,panic_abort >&2
    ) || return 1
    libraries=$(libraries "$debian_rustc")
    # Complete or not there at all: `ready` looks for the directory's content.
    rm -rf "$libraries.new" "$libraries"
    mkdir -p "$libraries.new"
    cp "$scratch/target/$target/release/deps/"lib*.rlib "$libraries.new/"
    mv "$libraries.new" "$libraries"
    say "installed into $libraries"
}

case ${1-} in
'') ;;
--env)
    print_env
    exit
    ;;
*)
    echo "usage: $0 [--env]" >&2
    exit 2
    ;;
esac

if path_ready; then
    say "nothing to do: $(rustc --version) has $target"
elif with_rustup; then
    say "installed: $(rustc --version) has $target"
elif debian_ready; then
    say "nothing to do: $("$debian_rustc" --version), Debian's, has $target"
elif with_debian && debian_ready; then
    say "installed: $("$debian_rustc" --version), Debian's, has $target"
else
    say "cannot install Rust 1.$minimum or newer with the target $target here."
    say "Needed is one of:"
    say "  rustup (https://rustup.rs), then: rustup update stable && rustup target add $target"
    say "  Debian 12 as root, with its security archive: this script then installs $debian_packages"
    exit 1
fi
