package token_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// serveKeys publishes by https, on this machine.
func serveKeys(t *testing.T, serve http.HandlerFunc) (url string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(serve)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// TestKeysOverTheNetwork holds each attack on the way of the keys, and the reason
// for which it fails.
func TestKeysOverTheNetwork(t *testing.T) {
	k := newKeys()
	good := sign("RS256", k.rsa, named("1"), hour(""))
	set := jwks(jwk(k.rsa, `"kid":"1"`))
	answer := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
	}
	padded := func(size int) []byte { return append(bytes.Repeat([]byte(" "), size-len(set)), set...) }
	var elsewhere string
	for _, c := range []struct {
		name   string
		serve  http.HandlerFunc
		allow  []netip.Prefix
		reason string // in the log; empty where the keys come
	}{
		{"allowed", answer(set), loopback, ""},
		{"64 KB", answer(padded(token.MaxKeysBytes)), loopback, ""},
		{"an address of this machine", answer(set), nil, "127.0.0.1 is not a public address"},
		{"another network is allowed", answer(set), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "127.0.0.1 is not a public address"},
		{"a byte over 64 KB", answer(padded(token.MaxKeysBytes + 1)), loopback, "more than 65536 bytes"},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(set); err != nil {
					return
				}
			}
		}, loopback, "more than 65536 bytes"},
		{"compressed unasked", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "" {
				_, _ = w.Write(set)
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte{0x1f, 0x8b, 8, 0})
		}, loopback, "expected a value"},
		{"a redirect to this server", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				_, _ = w.Write(set)
				return
			}
			http.Redirect(w, r, "/moved", http.StatusFound)
		}, loopback, "a redirect is not followed"},
		{"a redirect to http", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
		}, loopback, "a redirect is not followed"},
		{"a redirect that holds keys", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/moved")
			w.WriteHeader(http.StatusMovedPermanently)
			_, _ = w.Write(set)
		}, loopback, "a redirect is not followed"},
		{"a status of failure", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(set)
		}, loopback, "the status is 500"},
		{"a status of no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, loopback, "the status is 204"},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 20<<10))
			_, _ = w.Write(set)
		}, loopback, "headers exceeded"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(set)
		}, loopback, "read the answer"},
	} {
		url, roots := serveKeys(t, c.serve)
		elsewhere = strings.Replace(url, "https", "http", 1)
		var log bytes.Buffer
		a := byURL("RS256")
		a.JWKSURL = url
		s := newStage(t, token.Config{Allow: c.allow, Roots: roots, Logger: slog.New(slog.NewTextHandler(&log, nil))}, a)
		_, err := s.verify(good)
		s.verifier.Close()
		if c.reason == "" && (err != nil || log.Len() > 0) {
			t.Errorf("%s: %v; the log says %s", c.name, err, &log)
		}
		if c.reason != "" && (!errors.Is(err, token.ErrUnavailable) || !strings.Contains(log.String(), c.reason)) {
			t.Errorf("%s: %v; the log says %s, want %q", c.name, err, &log, c.reason)
		}
	}
}

// TestNamesThatLeadInside has names, which look like anybody's, resolve to this
// machine: what counts is the address that is connected to.
func TestNamesThatLeadInside(t *testing.T) {
	k := newKeys()
	url, roots := serveKeys(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwks(jwk(k.rsa, `"kid":"1"`))) })
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "https://"), ":")
	for _, host := range []string{"localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		var log bytes.Buffer
		a := byURL("RS256")
		a.JWKSURL = "https://" + host + ":" + port
		s := newStage(t, token.Config{Roots: roots, Logger: slog.New(slog.NewTextHandler(&log, nil))}, a)
		s.refuses(host, sign("RS256", k.rsa, named("1"), hour("")), token.ErrUnavailable.Error())
		s.verifier.Close()
		if text := log.String(); !strings.Contains(text, "is not a public address") && !strings.Contains(text, "no such host") && !strings.Contains(text, "lookup") {
			t.Errorf("%s: the log says %s", host, text)
		}
	}
}

// TestUnknownAuthority has keys of a server that nobody vouches for, and one
// without TLS.
func TestUnknownAuthority(t *testing.T) {
	k := newKeys()
	serve := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwks(jwk(k.rsa, `"kid":"1"`))) }
	url, roots := serveKeys(t, serve)
	plain := httptest.NewServer(http.HandlerFunc(serve))
	defer plain.Close()
	for name, c := range map[string]struct {
		url    string
		roots  *x509.CertPool
		reason string
	}{
		"unknown": {url, x509.NewCertPool(), "certificate signed by unknown authority"},
		"no TLS":  {strings.Replace(plain.URL, "http", "https", 1), roots, "server gave HTTP response to HTTPS client"},
	} {
		var log bytes.Buffer
		a := byURL("RS256")
		a.JWKSURL = c.url
		s := newStage(t, token.Config{Allow: loopback, Roots: c.roots, Logger: slog.New(slog.NewTextHandler(&log, nil))}, a)
		s.refuses(name, sign("RS256", k.rsa, named("1"), hour("")), token.ErrUnavailable.Error())
		s.verifier.Close()
		if !strings.Contains(log.String(), c.reason) {
			t.Errorf("%s: the log says %s", name, &log)
		}
	}
}

// TestNoProxy looks at the settings: net/http reads the environment once in a
// process, and never for an address of this machine.
func TestNoProxy(t *testing.T) {
	if token.Proxied() {
		t.Error("keys are fetched through a proxy, which connects to where the guard does not see")
	}
}

// TestSlowKeys has servers that take their time, at each stage of an answer.
func TestSlowKeys(t *testing.T) {
	certificate, roots := certificateOfATestServer()
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		plain bool // no TLS: nothing answers
	}{
		"no handshake": {nil, true},
		"no headers":   {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
		"a byte a second": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(" ")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(time.Minute) // for the server's goroutines to end
			near, far := net.Pipe()
			if !c.plain {
				l := &one{conns: make(chan net.Conn, 1)}
				l.conns <- tls.Server(far, &tls.Config{Certificates: []tls.Certificate{certificate}})
				server := &http.Server{Handler: c.serve, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
				go func() { _ = server.Serve(l) }()
				defer func() { _ = server.Close() }()
			}
			defer func() { _, _ = near.Close(), far.Close() }()
			begun := time.Now()
			_, err := token.FetchOver(token.Config{Roots: roots}, func(context.Context, string, string) (net.Conn, error) { return near, nil }, "https://example.com/")
			if took := time.Since(begun); err == nil || took != 5*time.Second {
				t.Errorf("%s: %v, after %v", name, err, took)
			}
		})
	}
}

// one is a listener of the connections that it is given.
type one struct {
	conns chan net.Conn
	once  sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *one) Close() error {
	l.once.Do(func() { close(l.conns) })
	return nil
}

func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

// certificateOfATestServer is one for example.com that the roots vouch for.
var certificateOfATestServer = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
})

func TestHTTPIsNotFetched(t *testing.T) {
	dial := func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, fmt.Errorf("dialled %s", address)
	}
	for _, url := range []string{"http://example.com/", "file:///etc/passwd", "ftp://example.com/", "//example.com/", ""} {
		if _, err := token.FetchOver(token.Config{}, dial, url); err == nil || strings.Contains(err.Error(), "dialled") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
