package redis_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

// TestManyTenants has 2,000 tenants with a channel each, for whom servers and
// back-ends publish, on two nodes. The number of connections stays what it is.
func TestManyTenants(t *testing.T) {
	const many, connections = 2000, 4
	address := redistest.URL(t)
	c := client(t, address)
	address += fmt.Sprint("&connections=", connections)
	var tenants []string
	for n := range many {
		tenants = append(tenants, fmt.Sprint("t", n))
	}
	one, two := open(t, address), open(t, address)
	f, g := eventtest.Follow(t, one, tenants...), eventtest.Follow(t, two, tenants...)
	most := func() int {
		return strings.Count(fmt.Sprint(do(t, c, "CLIENT", "LIST")), "name=runnel ")
	}
	check := func(when string) {
		t.Helper()
		if n := most(); n > 2*(connections+1) || n < 2 {
			t.Errorf("%s: %d connections of two nodes", when, n)
		}
	}
	publish(t, one, tenants[0], number(0))
	f.Wait(t, 1)
	g.Wait(t, 1)
	check("one tenant")
	var group sync.WaitGroup
	for p := range 8 {
		group.Go(func() {
			for n := p; n < many; n += 8 {
				if _, err := []event.Bus{one, two}[n%2].Publish(t.Context(), tenants[n], []event.Event{number(1)}, eventtest.Keep); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	f.Wait(t, many+1)
	g.Wait(t, many+1)
	check("all tenants")
	began := time.Now()
	_, err := c.Pipelined(t.Context(), func(p goredis.Pipeliner) error {
		for _, tenant := range tenants {
			p.XAdd(t.Context(), &goredis.XAddArgs{Stream: prefix(t, address) + ":" + tenant + ":events", Values: []any{"channel", "x", "payload", "2"}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tail := range []*eventtest.Tail{f, g} {
		of := map[string]string{}
		for _, e := range tail.Wait(t, 2*many+1) {
			of[e.Tenant] += string(e.Payload)
		}
		for n, tenant := range tenants {
			if want := "12"; of[tenant] != want && (n > 0 || of[tenant] != "0"+want) {
				t.Fatalf("tenant %s has %s", tenant, of[tenant])
			}
		}
	}
	t.Logf("%d entries of back-ends were there after %v", many, time.Since(began).Round(time.Millisecond))
	check("back-ends")
}

// relay passes bytes between clients and a server until it is told to cut.
type relay struct {
	listener net.Listener
	server   string
	cut      atomic.Pointer[string] // connections end once this was sent to the server
	mu       sync.Mutex
	conns    []net.Conn
}

func newRelay(t *testing.T, server string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, server: server}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.drop()
		serving.Wait()
	})
	return r
}

func (r *relay) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

func (r *relay) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	back, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.conns = append(r.conns, conn, back)
	r.mu.Unlock()
	var answers sync.WaitGroup
	var dead atomic.Bool
	answers.Go(func() {
		var buffer [64 << 10]byte
		for {
			n, err := back.Read(buffer[:])
			if dead.Load() || err != nil {
				_ = conn.Close()
				return
			}
			if _, err := conn.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	var buffer [64 << 10]byte
	for {
		n, err := conn.Read(buffer[:])
		if err != nil {
			break
		}
		if cut := r.cut.Load(); cut != nil && bytes.Contains(buffer[:n], []byte(*cut)) {
			dead.Store(true)
			r.cut.Store(nil)
		}
		if _, err := back.Write(buffer[:n]); err != nil {
			break
		}
	}
	_ = back.Close()
	answers.Wait()
}

// TestLostAnswers loses the connection between what was sent and its answer: what
// has ids is sent again and accepted once, what has none is sent once.
func TestLostAnswers(t *testing.T) {
	server := start(t)
	r := newRelay(t, server.Address())
	u, err := url.Parse(server.URL("x"))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = r.listener.Addr().String()
	bus := open(t, u.String())
	f := eventtest.Follow(t, bus)
	publish(t, bus, "a", number(0), event.Event{Channel: "x", ID: "zero", Payload: []byte("1")})
	loss := func(text string) { r.cut.Store(&text) }

	loss("$7\r\npayload\r\n")
	if _, err := bus.Publish(t.Context(), "a", []event.Event{number(2)}, eventtest.Keep); !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("one without an id: %v", err)
	}
	loss("$7\r\npayload\r\n")
	if _, err := bus.Publish(t.Context(), "a", []event.Event{number(3), number(4)}, eventtest.Keep); !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("two without ids: %v", err)
	}
	loss("$4\r\nfive\r\n")
	publish(t, bus, "a", event.Event{Channel: "x", ID: "five", Payload: []byte("5")}, event.Event{Channel: "x", ID: "six", Payload: []byte("6")})
	loss("$5\r\neight\r\n")
	if _, err := bus.Publish(t.Context(), "a", []event.Event{number(7), {Channel: "x", ID: "eight", Payload: []byte("8")}}, eventtest.Keep); !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("one with, one without: %v", err)
	}
	r.drop() // the tail's connection, too
	publish(t, bus, "a", number(9))
	numbers(t, f.Wait(t, 10), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	if gaps := f.Gaps(); len(gaps) > 0 {
		t.Errorf("gaps %v", gaps)
	}
}

// TestHang: Redis does not answer any more, and closes nothing. Callers wait no
// longer than their context.
func TestHang(t *testing.T) {
	server := start(t)
	bus := open(t, server.URL("x"))
	f := eventtest.Follow(t, bus)
	publish(t, bus, "a", number(0))
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := bus.Publish(ctx, "b", []event.Event{number(1)}, eventtest.Keep); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	publish(t, bus, "a", number(1))
	eventually(t, "the tail goes on", func() bool {
		n := 0
		for _, e := range f.Events() {
			if e.Tenant == "a" {
				n++
			}
		}
		return n == 2
	})
}

// TestTLS opens a bus over TLS, with and without the authority that has signed.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	server := start(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile, "--tls-auth-clients", "no")
	address := "rediss://:" + server.Password() + "@127.0.0.1:" + port
	if _, err := event.Open(t.Context(), address, event.Options{}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	bus := open(t, address+"?ca="+url.QueryEscape(certFile))
	publish(t, bus, "a", number(0))
	numbers(t, eventtest.Follow(t, bus).Wait(t, 1), 0)
	if _, err := event.Open(t.Context(), "redis://:"+server.Password()+"@127.0.0.1:"+port, event.Options{}); err == nil || errors.Is(err, io.EOF) && !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("without TLS: %v", err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		t.Fatal(err)
	}
	return port
}
