package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// writePair writes a certificate of 127.0.0.1 with its key.
func writePair(t testing.TB, certFile, keyFile, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestCertificateReload: a pair that was replaced is served within a second, one
// half written is not, and is told of once.
func TestCertificateReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cert, key, spare := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "spare.pem")
		writePair(t, cert, key, "first")
		var log bytes.Buffer
		c, err := loadCertificate(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		serves := func(want string) {
			t.Helper()
			if pair, err := c.get(nil); err != nil || pair.Leaf.Subject.CommonName != want {
				t.Errorf("serves %s, %v, want %s", pair.Leaf.Subject, err, want)
			}
		}
		serves("first")
		writePair(t, cert, spare, "second") // the key is the old one's
		for range 3 {
			time.Sleep(certificateAge)
			serves("first")
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 {
			t.Errorf("%d warnings of a pair that does not match, want 1:\n%s", n, log.String())
		}
		info, err := os.Stat(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(spare, time.Time{}, info.ModTime()); err != nil { // as where both were written at once
			t.Fatal(err)
		}
		if err := os.Rename(spare, key); err != nil {
			t.Fatal(err)
		}
		serves("first") // the files were looked at less than a second ago
		time.Sleep(certificateAge)
		serves("second")
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		time.Sleep(certificateAge)
		serves("second")
		if !strings.Contains(log.String(), "certificate read again") {
			t.Errorf("the log is %s", log.String())
		}
	})
}

// TestTLS: both listeners speak TLS of 1.2 at least, and subscribers reach the
// server by all protocols, event streams over HTTP/2 among them.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots := x509.NewCertPool()
	roots.AddCert(writePair(t, cert, key, "runnel"))
	p := runInProcess(t, environment(), "--dev", "--admin-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	for _, url := range []string{p.url, p.adminURL} {
		if status, text := p.do(client, "GET", url+"/healthz", ""); status != http.StatusOK || !strings.HasPrefix(url, "https://") {
			t.Errorf("%s/healthz: %d %s", url, status, text)
		}
		old := &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11} //nolint:gosec // that it is refused is the test
		if conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), old); err == nil {
			_ = conn.Close()
			t.Errorf("%s speaks TLS 1.1", url)
		}
	}
	if status, text := p.do(client, "POST", p.url+"/t/demo/graphql", `{"query":"{ __typename }"}`, "Content-Type", "application/json"); status != http.StatusOK {
		t.Errorf("query: %d %s", status, text)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/t/demo/graphql", strings.NewReader(`{"query":"subscription { orderUpdated { id } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	stream, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	first := make([]byte, 1)
	if _, err := stream.Body.Read(first); err != nil || stream.ProtoMajor != 2 {
		t.Errorf("event stream by %s: %v", stream.Proto, err)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, TLSClientConfig: &tls.Config{RootCAs: roots}}
	conn, _, err := dialer.Dial("wss"+strings.TrimPrefix(p.url, "https")+"/t/demo/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
