package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime"
)

// options are the server's settings. Each is a flag, an environment variable,
// RUNNEL_ and its name in upper case, and a key of the file that --config names.
// A flag goes before the environment, and that before the file.
type options struct {
	listen      string
	adminListen string // empty: what it would serve is on listen
	dev         bool

	data  string // directory; empty where there is none
	store string // URL; empty means the embedded store in data
	bus   string // URL, or memory

	node string // empty means the machine's name

	adminTokenFile string
	adminToken     string // from the file or from RUNNEL_ADMIN_TOKEN

	tlsCert, tlsKey string // files; both or none

	trustedProxies            prefixes
	unauthenticatedPerAddress int
	jwksAllow                 prefixes
	drain                     time.Duration

	metricsTenants int
	logLevel       slog.Level
	logFormat      string

	config      string
	checkConfig bool
	restore     string // file; empty to serve
}

// define makes the flags that set o.
func (o *options) define() *flag.FlagSet {
	f := flag.NewFlagSet("runnel-server", flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to serve on")
	f.StringVar(&o.adminListen, "admin-listen", "", "`address` that alone serves /v1, /metrics, /openapi.json and /debug/pprof; for operators only, since all but /v1 ask for no token there")
	f.BoolVar(&o.dev, "dev", false, "no tokens, on loopback only, with the tenant demo and a trickle of demo events; keeps nothing unless --data or --store is given")
	f.StringVar(&o.data, "data", "", "`directory` of the embedded store and of compiled modules, made where it is missing; with --store, of compiled modules alone")
	f.StringVar(&o.store, "store", "", "`URL` of a store that several servers share: postgres://…; with a password, give RUNNEL_STORE instead, for others can see the flags of a process")
	f.StringVar(&o.bus, "bus", "memory", "`URL` of what carries events: redis://…, rediss://… or postgres://… for several servers, or memory, in this one alone; with a password, give RUNNEL_BUS instead")
	f.StringVar(&o.node, "node", "", "`name` of this server among those of one store, in answers of /v1 and in the store; the machine's name where it is empty")
	f.StringVar(&o.adminTokenFile, "admin-token-file", "", "`file` that holds the admin token, at least 32 bytes; or set RUNNEL_ADMIN_TOKEN")
	f.StringVar(&o.tlsCert, "tls-cert", "", "`file` of the certificate chain, PEM; it and the key are read again when they change")
	f.StringVar(&o.tlsKey, "tls-key", "", "`file` of the certificate's key, PEM")
	f.Var(&o.trustedProxies, "trusted-proxies", "`CIDR`s, separated by commas, of proxies whose X-Forwarded-For is believed")
	f.IntVar(&o.unauthenticatedPerAddress, "unauthenticated-per-address", 64, "`number` of sockets of one client address that may wait for their acknowledgement")
	f.Var(&o.jwksAllow, "jwks-allow", "`CIDR`s, separated by commas, of private addresses from which keys (JWKS) may be fetched all the same")
	f.DurationVar(&o.drain, "drain", 10*time.Second, "`time` to send clients away, in waves, when the server is told to end")
	f.IntVar(&o.metricsTenants, "metrics-tenants", 0, "`number` of the busiest tenants that have metrics of their own")
	f.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least `level` to log: debug, info, warn, error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	f.StringVar(&o.config, "config", "", "`file` of settings, TOML: the names of these flags without dashes in front")
	f.BoolVar(&o.checkConfig, "check-config", false, "check the settings, say what is wrong, and exit")
	f.StringVar(&o.restore, "restore", "", "fill the store, which must be empty, with a backup that lies in `file`, and exit")
	return f
}

// commandLineOnly reports whether a setting makes no sense in a file.
func commandLineOnly(name string) bool {
	return name == "config" || name == "check-config" || name == "restore"
}

// prefixes is a flag of CIDRs, separated by commas. An address stands for
// itself.
type prefixes []netip.Prefix

// String implements flag.Value.
func (p *prefixes) String() string {
	texts := make([]string, len(*p))
	for i, prefix := range *p {
		texts[i] = prefix.String()
	}
	return strings.Join(texts, ",")
}

// Set implements flag.Value: it replaces what was set before.
func (p *prefixes) Set(text string) error {
	*p = nil
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		prefix, err := parsePrefix(part)
		if err != nil {
			return err
		}
		*p = append(*p, prefix)
	}
	return nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.WithZone("").Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return prefix, fmt.Errorf("%q is no CIDR such as 10.0.0.0/8", text)
	case prefix != prefix.Masked():
		return prefix, fmt.Errorf("%q has bits behind its %d: write %s", text, prefix.Bits(), prefix.Masked())
	}
	return prefix, nil
}

// minAdminToken is the least length of the admin token, in bytes.
const minAdminToken = runtime.MinAdminToken
