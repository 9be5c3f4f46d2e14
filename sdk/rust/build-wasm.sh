#!/bin/sh
# Builds a Runnel module from a crate of this repository:
#
#   sdk/rust/build-wasm.sh CRATE-DIRECTORY OUTPUT.wasm
#
# An author needs no more than `cargo build --release --target
# wasm32-unknown-unknown`. This keeps the paths of the machine out as well. The
# same toolchain gives the same bytes again; in another directory, cargo may name
# and so order the functions of a crate outside the workspace in another way.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 CRATE-DIRECTORY OUTPUT.wasm" >&2
    exit 2
fi
sdk=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$sdk/../.." && pwd)
crate=$(cd "$1" && pwd)
output=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
target=wasm32-unknown-unknown

# Cargo adds these to the flags of the crate's .cargo/config.toml.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--remap-path-prefix=$root= --remap-path-prefix=${CARGO_HOME:-${HOME:-}/.cargo}=cargo"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

cd "$crate"
"${CARGO:-cargo}" build --locked --release --lib --target "$target" --target-dir "$sdk/target/modules"
name=$(basename "$crate" | tr - _)
cp "$sdk/target/modules/$target/release/$name.wasm" "$output"
chmod 644 "$output"
echo "$output: $(wc -c <"$output") bytes"
