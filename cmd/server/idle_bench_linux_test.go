package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// BenchmarkIdleConnection is what a connection adds to the resident memory of the
// server's process, 5 s after the last of many has come with a subscription that nothing
// matches. No collection is forced.
func BenchmarkIdleConnection(b *testing.B) {
	var rows []bench.Row
	for _, c := range []struct {
		name        string
		connections int
		tls         bool
		target      float64 // KB
	}{{"idle connection with a subscription, resident memory", 5000, false, 10}, {"the same under TLS", 1000, true, 0}} {
		each := idleBytes(b, c.connections, c.tls) / 1000
		row := bench.Row{What: c.name, Measured: fmt.Sprintf("%.1f KB", each)}
		if c.target > 0 {
			row.Target, row.Verdict = fmt.Sprintf("≤ %.0f KB", c.target), bench.AtMost(each, c.target)
			b.ReportMetric(each, "KB/connection")
		}
		rows = append(rows, row)
	}
	if err := bench.PrintTable(os.Stdout, rows); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
}

func idleBytes(b *testing.B, connections int, secured bool) float64 {
	var arguments []string
	if secured {
		cert, key := filepath.Join(b.TempDir(), "cert.pem"), filepath.Join(b.TempDir(), "key.pem")
		writePair(b, cert, key, "localhost")
		arguments = []string{"--tls-cert", cert, "--tls-key", key}
	}
	p := start(b, append(arguments, "--drain", "1s")...)
	defer p.stop()
	time.Sleep(time.Second)
	before := p.resident()
	dialer := websocket.Dialer{
		Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 512, WriteBufferSize: 512,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the server is ours
	}
	for i := range connections {
		conn, _, err := dialer.Dial(p.socketURL("demo"), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for _, m := range []struct{ send, expect string }{
			{`{"type":"connection_init"}`, "connection_ack"},
			{fmt.Sprintf(`{"id":"%08x-0000-4000-8000-000000000000","type":"subscribe","payload":{"query":"subscription { orderUpdated(customerId: \"nobody\") { id status total } }"}}`, i), ""},
			{`{"type":"ping"}`, "pong"},
		} {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(m.send)); err != nil {
				b.Fatal(err)
			}
			if m.expect == "" {
				continue
			}
			if _, got, err := conn.ReadMessage(); err != nil || !strings.Contains(string(got), m.expect) {
				b.Fatalf("got %s, %v, want %s", got, err, m.expect)
			}
		}
	}
	time.Sleep(5 * time.Second)
	return float64(p.resident()-before) / float64(connections)
}

// resident is how much of the server's memory is there, in bytes.
func (p *process) resident() int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), "VmRSS:")
	var kilobytes int
	if _, err := fmt.Sscan(line, &kilobytes); err != nil {
		p.t.Fatal(err)
	}
	return kilobytes << 10
}
