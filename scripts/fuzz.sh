#!/bin/sh
# Fuzzes every Go fuzz target:
#
#   scripts/fuzz.sh EXECUTIONS SECONDS
#
# A target gets batches of EXECUTIONS until SECONDS are over, at least one.
# Batches are counted, not timed: where -fuzztime is a duration, Go 1.26 can
# report its end as a failure, "context deadline exceeded" (golang/go#75804).
# A batch that hangs is a failure, too.
set -eu
cd "$(dirname "$0")/.."
executions=$1
seconds=$2
hang=1800
go=${GO:-go}

targets=0
for package in $($go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do
    listed=$($go test -list '^Fuzz' "$package")
    for target in $(echo "$listed" | grep '^Fuzz' || true); do
        targets=$((targets + 1))
        end=$(($(date +%s) + seconds))
        batches=0
        while [ "$batches" = 0 ] || [ "$(date +%s)" -lt "$end" ]; do
            batches=$((batches + 1))
            echo "fuzz $package $target, batch $batches of $executions"
            timeout "$hang" "$go" test -run '^$' -fuzz "^$target\$" -fuzztime "${executions}x" -fuzzminimizetime 20x "$package" || {
                status=$?
                [ "$status" != 124 ] || echo "fuzz $package $target: no end after $hang seconds"
                exit "$status"
            }
        done
    done
done
[ "$targets" -gt 0 ] || {
    echo "there are no fuzz targets"
    exit 1
}
echo "fuzz: $targets targets, no finding"
