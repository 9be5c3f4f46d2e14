#!/bin/sh
# Installs what `make test` needs besides Go, or says clearly what is missing.
# Quick where all is there.
set -eu
cd "$(dirname "$0")/.."

say() { echo "install-deps: $*" >&2; }

if ! command -v go >/dev/null; then
    say "Go is missing: https://go.dev/dl/ (go.mod names the version)"
    exit 1
fi
# The linker of Rust's build scripts, and the race detector.
if ! command -v cc >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "apt-get install gcc libc6-dev"
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        # A fresh machine has no package lists; others may have old ones.
        { apt-cache show gcc >/dev/null 2>&1 && apt-get install -y --no-install-recommends gcc libc6-dev >&2; } ||
            { apt-get update >&2 && apt-get install -y --no-install-recommends gcc libc6-dev >&2; }
    else
        say "a C compiler named cc is missing"
        exit 1
    fi
fi
# The programs of a PostgreSQL server, which the tests start and stop themselves.
if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
    /opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb 2>/dev/null | grep -q .; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "apt-get install postgresql"
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        apt-cache show postgresql >/dev/null 2>&1 || apt-get update >&2
        # First what would make a database and start it, so that it can be told not to.
        apt-get install -y --no-install-recommends postgresql-common >&2 || { apt-get update >&2 && apt-get install -y --no-install-recommends postgresql-common >&2; }
        sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
        apt-get install -y --no-install-recommends postgresql >&2
    else
        say "the programs of PostgreSQL 15 or later are missing (initdb, postgres, psql): https://www.postgresql.org/download/"
        exit 1
    fi
fi
# The program of a Redis server, which the tests start and stop themselves.
if ! command -v redis-server >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        say "apt-get install redis-server"
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        apt-cache show redis-server >/dev/null 2>&1 || apt-get update >&2
        # Its package starts a server, which a policy can forbid. One that is there stays.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod +x $policy
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        fi
        apt-get install -y --no-install-recommends redis-server >&2 || { apt-get update >&2 && apt-get install -y --no-install-recommends redis-server >&2; }
    else
        say "redis-server 7.0 or later is missing: https://redis.io/docs/latest/operate/oss_and_stack/install/"
        exit 1
    fi
fi
scripts/install-rust.sh
scripts/install-node.sh

# packages DIRECTORY SOURCE...: npm ci, unless it was done since the package,
# its lock file or the sources changed.
packages() {
    directory=$1
    mark=$directory/node_modules/.installed
    if [ -e "$mark" ] && [ -z "$(find "$@" -name node_modules -prune -o -type f -newer "$mark" -print | grep -E '/package(-lock)?\.json$|^sdk/assemblyscript/((assembly|transform|testing)/|(as|ts)config\.json$)' | head -n 1)" ]; then
        return
    fi
    say "npm ci in $directory"
    scripts/with-tools.sh npm --prefix "$directory" ci --no-audit --no-fund >&2
    touch "$mark"
}

packages sdk/assemblyscript
packages plugins/examples/orders-assemblyscript sdk/assemblyscript # which npm copies
packages plugins/examples/shop-assemblyscript sdk/assemblyscript
packages cmd/server/testdata/graphql-ws
packages cmd/server/testdata/apollo-client
packages cmd/server/testdata/graphql-over-http
packages cmd/server/testdata/cloudevents
packages cmd/bench/graphqlws/newest
packages cmd/bench/graphqlws/graphql16
packages runtime/meter/testdata/real
packages runtime/graph/testdata/graphql-js
