#!/bin/sh
# Makes sure that Node.js 20 or newer and npm are there, for the AssemblyScript
# SDK and the tests with real clients.
#
#   scripts/install-node.sh         install what is missing, and say what
#   scripts/install-node.sh --env   print the `export` lines that builds need
#
# Root on Debian gets Debian's packages. Where those hold an older Node.js, a
# newer one comes from the npm registry into .tools, beside this repository's
# other build output.
set -eu

minimum=20
version=22.23.3
tools=$(cd "$(dirname "$0")/.." && pwd)/.tools

say() { echo "install-node: $*" >&2; }

# recent NODE: whether it runs and is no older than the minimum.
recent() {
    found=$("$1" --version 2>/dev/null) || return 1
    major=${found#v}
    [ "${major%%.*}" -ge "$minimum" ]
}

architecture() {
    case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64) echo arm64 ;;
    *) return 1 ;;
    esac
}

local_node() { echo "$tools/node_modules/node-linux-$(architecture)/bin/node"; }

ready() { command -v npm >/dev/null && recent node; }

local_ready() { command -v npm >/dev/null && architecture >/dev/null && recent "$(local_node)"; }

with_debian() {
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
    say "apt-get install nodejs npm"
    export DEBIAN_FRONTEND=noninteractive
    # A fresh machine has no package lists; others may have old ones.
    { apt-cache show npm >/dev/null 2>&1 && apt-get install -y --no-install-recommends nodejs npm >&2; } ||
        { apt-get update >&2 && apt-get install -y --no-install-recommends nodejs npm >&2; }
}

with_registry() {
    command -v npm >/dev/null && [ "$(uname -s)" = Linux ] && architecture >/dev/null || return 1
    say "npm install node-linux-$(architecture)@$version into .tools"
    mkdir -p "$tools"
    npm install --prefix "$tools" --no-save --no-audit --no-fund "node-linux-$(architecture)@$version" >&2
}

case ${1-} in
'') ;;
--env)
    if ready; then exit 0; fi
    if local_ready; then
        echo "export PATH=\"$(dirname "$(local_node)"):\$PATH\""
        exit 0
    fi
    say "no Node.js $minimum with npm; run scripts/install-node.sh"
    exit 1
    ;;
*)
    echo "usage: $0 [--env]" >&2
    exit 2
    ;;
esac

if ready; then
    say "nothing to do: Node.js $(node --version), npm $(npm --version)"
    exit 0
fi
if ! command -v npm >/dev/null; then with_debian || true; fi
if ready; then
    say "installed: Node.js $(node --version), npm $(npm --version)"
elif local_ready; then
    say "nothing to do: Node.js $("$(local_node)" --version) in .tools"
elif with_registry && local_ready; then
    say "installed: Node.js $("$(local_node)" --version) in .tools"
else
    say "cannot install Node.js here. Needed is Node.js $minimum or newer with npm (https://nodejs.org)."
    exit 1
fi
