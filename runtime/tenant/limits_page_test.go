package tenant_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/goldentest"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestLimitsPage holds docs/limits.md against Definitions, of which it is made.
func TestLimitsPage(t *testing.T) { goldentest.File(t, "../../docs/limits.md", limitsPage()) }

func limitsPage() string {
	var b strings.Builder
	b.WriteString(limitsHead)
	for _, d := range tenant.Definitions() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s to %s | %s |\n", d.Name, d.Scope, quantity(d.Default, d.Unit)+unitOf(&d), quantity(d.Min, d.Unit), quantity(d.Max, d.Unit), d.Over)
	}
	b.WriteString(limitsTail)
	return b.String()
}

func unitOf(d *tenant.Definition) string {
	if d.Unit == "bytes" {
		return ""
	}
	return " " + d.Unit
}

// quantity writes a number, bytes in the largest unit that keeps them whole.
func quantity(n int64, unit string) string {
	if unit != "bytes" {
		return grouped(n)
	}
	for _, larger := range []string{"KiB", "MiB", "GiB"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, larger
	}
	return grouped(n) + " " + unit
}

func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

const limitsHead = `# Limits

<!-- Made by make golden from runtime/tenant/limits.go; a test fails where it is stale. -->

## Of a tenant

Each tenant has these. ` + "`GET /v1/tenants/{t}`" + ` shows them, ` + "`PATCH /v1/tenants/{t}` with `{\"limits\":{…}}`" + ` changes those it names, null to the default; a new value holds for what begins
afterwards. An error that a limit causes has its name: ` + "`{\"code\":\"FUEL_EXHAUSTED\",\"limit\":\"fuelPerRun\"}`" + ` in ` + "`extensions`" + ` or in the problem+json body, and in brackets in the reason of a
close frame. What can be tried again comes with ` + "`retryAfterMs`" + ` or the header ` + "`Retry-After`" + `.

Rates, connections, subscriptions and memory count per node; modules, versions, bytes and keys per store. A rate is a bucket that holds a second's worth and fills evenly; what is refused takes nothing out of it.

| limit | what it counts | default | range | over it |
|---|---|---|---|---|
`

const limitsTail = `
## Of the server

A socket counts toward no tenant before it is acknowledged: until then nobody knows that its tenant wants it. Two limits hold for all of those together.

| limit | what it counts | default | over it |
|---|---|---|---|
| ` + "`unauthenticatedPerAddress`" + ` | sockets not yet acknowledged of one client address, an IPv6 address by its /64; ` + "`--unauthenticated-per-address`" + ` | 64 sockets | the upgrade is refused: 429 with LIMIT_EXCEEDED and Retry-After |
| ` + "`unauthenticatedTotal`" + ` | sockets not yet acknowledged | 10,000 sockets | the upgrade is refused: 503 with LIMIT_EXCEEDED and Retry-After |

A socket has 10 seconds for ` + "`connection_init`" + `. The client's address is the peer's of the TCP connection. Where that is one of ` + "`--trusted-proxies`" + `, it is the right-most address in ` + "`X-Forwarded-For`" + `
or ` + "`Forwarded`" + ` that is not; from all others these headers mean nothing. A server behind a proxy that it was not told to trust takes all clients for one.

Subscribers without a subject are not counted by ` + "`connectionsPerSubscriber`" + `, nor by their address, which many may share behind a proxy or a provider: ` + "`connections`" + ` bounds them.
`
