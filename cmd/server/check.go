package main

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	eventpostgres "github.com/runnel-dev/runnel/runtime/event/postgres"
	"github.com/runnel-dev/runnel/runtime/event/redis"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
)

// Bounds of settings that are numbers.
const (
	maxTokenBytes     = 4 << 10
	maxMetricsTenants = 1000
	maxNodeBytes      = 253 // as long as names of machines get
	maxDrain          = time.Hour
)

// complete reads the admin token and checks what the options say together.
func (s *settings) complete(getenv func(string) string) {
	s.checkStorage()
	s.checkNumbers()
	if s.restore != "" {
		return // it takes neither token nor address
	}
	s.checkAddress("listen", s.listen)
	if s.adminListen != "" {
		s.checkAddress("admin-listen", s.adminListen)
		if s.adminListen == s.listen && !strings.HasSuffix(s.listen, ":0") {
			s.complain(s.place("admin-listen"), "%q is what --listen serves on: give another port", s.adminListen)
		}
	}
	s.checkBus()
	s.checkNode()
	s.readAdminToken(getenv)
	s.checkCertificate()
}

// checkAddress refuses what cannot be listened on and, in dev mode, what others
// can reach.
func (s *settings) checkAddress(option, address string) {
	if s.unclear(option) {
		return
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		s.complain(s.place(option), "%q is no address: give host and port, such as 127.0.0.1:8080, with a port of at most 65535", address)
		return
	}
	if ip, err := netip.ParseAddr(host); s.dev && host != "localhost" && (err != nil || !ip.IsLoopback()) {
		s.complain(s.place(option), "%q: with --dev the server asks for no tokens, so it listens on loopback only, such as 127.0.0.1:8080", address)
	}
}

// checkNode refuses a name that lists and logs could not show.
func (s *settings) checkNode() {
	odd := func(c rune) bool { return c == utf8.RuneError || unicode.IsSpace(c) || !unicode.IsPrint(c) }
	if len(s.node) > maxNodeBytes || strings.ContainsFunc(s.node, odd) {
		s.complain(s.place("node"), "%q is no name of a node: give at most %d bytes, of characters that can be seen", s.node, maxNodeBytes)
	}
}

func (s *settings) checkStorage() {
	if s.data == "" && s.store == "" && !s.unclear("data", "store") {
		switch {
		case s.restore != "":
			s.complain(s.place("restore"), "where to? give --data DIR or --store postgres://…")
		case !s.dev && !s.unclear("dev"):
			s.complain("--data", "there is nowhere to keep tenants and modules: give --data DIR, or --store postgres://… for several servers, or run with --dev, which keeps nothing")
		}
	}
	if s.data != "" {
		if info, err := os.Stat(s.data); err == nil && !info.IsDir() {
			s.complain(s.place("data"), "%s is no directory", s.data)
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.complain(s.place("data"), "%w", err)
		}
	}
	if s.store != "" {
		// The URL is never shown: it may have a password.
		if err := postgres.Check(s.store); err != nil {
			s.complain(s.place("store"), "%w", err)
		}
	}
	if s.restore != "" {
		if _, err := os.Stat(s.restore); err != nil {
			s.complain(s.place("restore"), "%w", err)
		}
	}
}

// checkBus never shows the URL, which may have a password.
func (s *settings) checkBus() {
	if s.unclear("bus") {
		return
	}
	scheme, _, _ := strings.Cut(s.bus, ":")
	switch {
	case s.bus == "memory":
	case scheme == "redis" || scheme == "rediss":
		if err := redis.Check(s.bus); err != nil {
			s.complain(s.place("bus"), "%w", err)
		}
	case strings.HasPrefix(scheme, "redis"):
		s.complain(s.place("bus"), "Redis Cluster and Sentinel are not supported: give the primary, or an address that leads to it, as redis:// or rediss://")
	case scheme == "postgres" || scheme == "postgresql":
		if err := eventpostgres.Check(s.bus); err != nil {
			s.complain(s.place("bus"), "%w", err)
		}
	default:
		s.complain(s.place("bus"), "that is no bus: give memory, or a URL that begins with redis://, rediss:// or postgres://")
	}
}

func (s *settings) readAdminToken(getenv func(string) string) {
	place := "RUNNEL_ADMIN_TOKEN"
	s.adminToken = getenv(place)
	if s.adminTokenFile != "" {
		place = s.place("admin-token-file")
		text, err := readSmall(s.adminTokenFile, maxTokenBytes)
		if err != nil {
			s.complain(place, "%w", err)
			return
		}
		s.adminToken = strings.TrimSpace(text)
	}
	switch {
	case s.dev || s.unclear("dev", "admin-token-file"):
	case s.adminToken == "" && s.adminTokenFile == "":
		s.complain("--admin-token-file", "there is no admin token: give a file with it, or RUNNEL_ADMIN_TOKEN, or run with --dev, which asks for none")
	case len(s.adminToken) < minAdminToken:
		s.complain(place, "the admin token has fewer than %d bytes: make one by openssl rand -base64 33", minAdminToken)
	case strings.ContainsFunc(s.adminToken, unfitForHeader):
		s.complain(place, "the admin token has spaces or characters outside ASCII, which no header Authorization can carry: make one by openssl rand -base64 33")
	}
}

func unfitForHeader(r rune) bool { return r <= ' ' || r > '~' }

func (s *settings) checkCertificate() {
	switch {
	case s.unclear("tls-cert", "tls-key"), s.tlsCert == "" && s.tlsKey == "":
		return
	case s.tlsKey == "":
		s.complain(s.place("tls-cert"), "it needs the certificate's key: give --tls-key FILE as well")
		return
	case s.tlsCert == "":
		s.complain(s.place("tls-key"), "it needs the key's certificate: give --tls-cert FILE as well")
		return
	}
	if _, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey); err != nil {
		s.complain(s.place("tls-cert")+", "+s.place("tls-key"), "%w", err)
	}
}

func (s *settings) checkNumbers() {
	if n := s.unauthenticatedPerAddress; n < 1 {
		s.complain(s.place("unauthenticated-per-address"), "%d is too few: give 1 or more", n)
	}
	if n := s.metricsTenants; n < 0 || n > maxMetricsTenants {
		s.complain(s.place("metrics-tenants"), "%d is not from 0 to %d", n, maxMetricsTenants)
	}
	if s.drain < 0 || s.drain > maxDrain {
		s.complain(s.place("drain"), "%v is not from 0s to %v", s.drain, maxDrain)
	}
	if s.logFormat != "text" && s.logFormat != "json" {
		s.complain(s.place("log-format"), "%q is neither text nor json", s.logFormat)
	}
}
