package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"
)

// What commands use unless flags or the environment say otherwise.
const (
	defaultServer  = "http://127.0.0.1:8080"
	defaultTenant  = "demo"
	defaultTimeout = time.Minute
)

// remote is the part of a command that talks to a server.
type remote struct {
	server, tenant, token string
	timeout               time.Duration

	base     *url.URL  // server, once resolve has checked it
	terminal io.Writer // is shown how far a body was sent; nil where nobody looks
}

func (r *remote) flags(set *flag.FlagSet) {
	set.StringVar(&r.server, "server", "", "the server's `URL` (env RUNNEL_SERVER, default "+defaultServer+")")
	set.StringVar(&r.tenant, "tenant", "", "the tenant's `ID` (env RUNNEL_TENANT, default "+defaultTenant+")")
	set.StringVar(&r.token, "token", "", "bearer `TOKEN` (env RUNNEL_TOKEN, which ps does not show)")
	set.DurationVar(&r.timeout, "timeout", defaultTimeout, "how long to wait for an answer, a `DURATION` such as 30s")
}

// resolve fills what no flag set from the environment and the defaults, and
// checks it.
func (r *remote) resolve() error {
	r.server = cmp.Or(r.server, os.Getenv("RUNNEL_SERVER"), defaultServer)
	r.tenant = cmp.Or(r.tenant, os.Getenv("RUNNEL_TENANT"), defaultTenant)
	r.token = strings.TrimSpace(cmp.Or(r.token, os.Getenv("RUNNEL_TOKEN")))
	if !validName(r.tenant) {
		return fmt.Errorf("tenant %q is not 1 to 63 of the characters a-z 0-9 -", r.tenant)
	}
	if strings.ContainsFunc(r.token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return errors.New("the token has characters that no token has")
	}
	if r.timeout <= 0 {
		return fmt.Errorf("timeout %s is not above zero", r.timeout)
	}
	var err error
	r.base, err = parseServer(r.server)
	return err
}

// validName reports whether s can be a tenant id or a module name. What it
// refuses would name another route.
func validName(s string) bool {
	return 1 <= len(s) && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// parseServer accepts an http or https URL, with a path where a proxy adds one.
func parseServer(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		// The error of package url repeats the URL, with any password in it.
		return nil, fmt.Errorf("the server's URL cannot be read: %w", errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("the server's URL has to begin with http:// or https:// and a host")
	case u.User != nil:
		return nil, errors.New("the server's URL holds a user or a password; use --token or RUNNEL_TOKEN")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the server's URL holds a query or a fragment")
	}
	return u, nil
}

// admin returns the URL of one of the tenant's routes under /v1.
func (r *remote) admin(path ...string) *url.URL {
	return r.base.JoinPath(append([]string{"v1", "tenants", r.tenant}, path...)...)
}

// socket returns the URL of the tenant's WebSocket.
func (r *remote) socket() *url.URL {
	u := r.base.JoinPath("t", r.tenant, "graphql")
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	return u
}

// authorization returns the credentials as both the header and connection_init
// carry them; empty without a token.
func (r *remote) authorization() string {
	if r.token == "" {
		return ""
	}
	return "Bearer " + r.token
}
