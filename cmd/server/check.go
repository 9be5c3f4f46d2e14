package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Bounds of settings that are numbers.
const (
	maxTokenBytes     = 4 << 10
	maxMetricsTenants = 1000
	maxDrain          = time.Hour
)

// complete reads the admin token and checks all settings, without any effect
// that is seen outside. The error has a line for each that is wrong; none shows
// a secret.
func (o *options) complete(getenv func(string) string) error {
	if o.restore != "" {
		return o.checkRestore()
	}
	return errors.Join(
		o.checkAddresses(),
		o.checkStorage(),
		o.checkBus(),
		o.readAdminToken(getenv),
		o.checkCertificate(),
		o.checkNumbers(),
	)
}

func (o *options) checkAddresses() error {
	errs := []error{checkAddress("--listen", o.listen, o.dev)}
	if o.adminListen != "" {
		errs = append(errs, checkAddress("--admin-listen", o.adminListen, o.dev))
		if o.adminListen == o.listen && !strings.HasSuffix(o.listen, ":0") {
			errs = append(errs, fmt.Errorf("--admin-listen %q: that is what --listen serves on", o.adminListen))
		}
	}
	return errors.Join(errs...)
}

// checkAddress refuses what cannot be listened on and, in dev mode, what others
// can reach.
func checkAddress(flag, address string, dev bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q: %w", flag, address, err)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%s %q: no port %q", flag, address, port)
	}
	if ip, err := netip.ParseAddr(host); dev && host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s %q: with --dev the server asks for no tokens, so it listens on loopback only, such as 127.0.0.1:8080", flag, address)
	}
	return nil
}

func (o *options) checkStorage() error {
	var errs []error
	if !o.dev && o.data == "" && o.store == "" {
		errs = append(errs, errors.New("nowhere to keep tenants and modules: give --data DIR, or --store postgres://… for several servers, or run with --dev, which keeps nothing"))
	}
	if o.data != "" {
		if info, err := os.Stat(o.data); err == nil && !info.IsDir() {
			errs = append(errs, fmt.Errorf("--data %s: not a directory", o.data))
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("--data: %w", err))
		}
	}
	if o.store != "" {
		errs = append(errs, checkStore(o.store))
	}
	return errors.Join(errs...)
}

// checkRestore asks for what a restore needs, which is no token.
func (o *options) checkRestore() error {
	if o.data == "" && o.store == "" {
		return errors.New("--restore: where to? give --data DIR or --store postgres://…")
	}
	return o.checkStorage()
}

// checkStore never shows the URL, which may have a password.
func checkStore(text string) error {
	store, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("--store: not a URL; it is such as postgres://user:password@host/database, with %-escapes for characters that URLs use")
	case store.Scheme != "postgres" && store.Scheme != "postgresql":
		return errors.New("--store: not a URL that begins with postgres://")
	case store.Host == "" && store.Query().Get("host") == "":
		return errors.New("--store: the URL names no host")
	}
	return nil
}

func (o *options) checkBus() error {
	if o.bus == "memory" {
		return nil
	}
	scheme, _, _ := strings.Cut(o.bus, ":")
	switch scheme {
	case "redis", "rediss", "postgres", "postgresql":
		return fmt.Errorf("--bus %s: this version has the bus memory only", scheme)
	}
	return errors.New("--bus: neither memory nor a URL that begins with redis://, rediss:// or postgres://")
}

func (o *options) readAdminToken(getenv func(string) string) error {
	o.adminToken = getenv("RUNNEL_ADMIN_TOKEN")
	if o.adminTokenFile != "" {
		text, err := readSmall(o.adminTokenFile, maxTokenBytes)
		if err != nil {
			return fmt.Errorf("--admin-token-file: %w", err)
		}
		o.adminToken = strings.TrimSpace(text)
	}
	switch {
	case o.dev:
		return nil
	case o.adminToken == "" && o.adminTokenFile != "":
		return fmt.Errorf("--admin-token-file: %s is empty", o.adminTokenFile)
	case o.adminToken == "":
		return errors.New("no admin token: give --admin-token-file FILE or RUNNEL_ADMIN_TOKEN, or run with --dev")
	case len(o.adminToken) < minAdminToken:
		return fmt.Errorf("the admin token has fewer than %d bytes", minAdminToken)
	case strings.ContainsFunc(o.adminToken, unfitForHeader):
		return errors.New("the admin token has spaces or characters outside ASCII, which no header Authorization can carry")
	}
	return nil
}

func unfitForHeader(r rune) bool { return r <= ' ' || r > '~' }

func (o *options) checkCertificate() error {
	switch {
	case o.tlsCert == "" && o.tlsKey == "":
		return nil
	case o.tlsCert == "" || o.tlsKey == "":
		return errors.New("--tls-cert and --tls-key are given together or not at all")
	}
	if _, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey); err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", o.tlsCert, o.tlsKey, err)
	}
	return nil
}

func (o *options) checkNumbers() error {
	var errs []error
	if o.unauthenticatedPerAddress < 1 {
		errs = append(errs, fmt.Errorf("--unauthenticated-per-address %d: at least 1", o.unauthenticatedPerAddress))
	}
	if o.metricsTenants < 0 || o.metricsTenants > maxMetricsTenants {
		errs = append(errs, fmt.Errorf("--metrics-tenants %d: from 0 to %d", o.metricsTenants, maxMetricsTenants))
	}
	if o.drain < 0 || o.drain > maxDrain {
		errs = append(errs, fmt.Errorf("--drain %v: from 0 to %v", o.drain, maxDrain))
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		errs = append(errs, fmt.Errorf("--log-format %q: text or json", o.logFormat))
	}
	return errors.Join(errs...)
}
