#!/bin/sh
# Runs a command with the Rust and Node.js that the install scripts found or
# installed: scripts/with-tools.sh COMMAND ARGUMENT…
set -eu
scripts=$(dirname "$0")
rust=$("$scripts/install-rust.sh" --env)
node=$("$scripts/install-node.sh" --env)
eval "$rust"
eval "$node"
exec "$@"
