package transport_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
	"github.com/runnel-dev/runnel/runtime/transport"
)

// BenchmarkBroadcast delivers one response to 2,000 sockets, beside one write of a
// ready-made frame to each of as many, in turn. Another process reads both, so that the processor
// time is the server's alone. A broadcast ends when all of it was read.
func BenchmarkBroadcast(b *testing.B) {
	const sockets, rounds = 2000, 25
	response := []byte(`{"data":{"orderUpdated":{"id":"o12345","customerId":"c2","status":"SHIPPED","total":11.07,"sentAt":1790000000000}}}`)
	frame := []byte(`{"id":"1","type":"next","payload":` + string(response) + `}`)
	frame = append([]byte{0x81, 126, byte(len(frame) >> 8), byte(len(frame))}, frame...)
	for b.Loop() {
		a := newAudience(b, sockets, len(frame))
		deliver := bench.Each(func() error {
			d := graph.Delivery{Response: response, Now: time.Now().UnixNano()}
			for _, s := range a.subs {
				s.sink.Next(d)
			}
			return a.await(subscribed)
		})
		write := bench.Each(func() error {
			for _, c := range a.bare {
				if _, err := c.Write(frame); err != nil {
					return err
				}
			}
			return a.await(bare)
		})
		measured, err := bench.Interleave(rounds, [2]bench.Side{deliver, write})
		if err != nil {
			b.Fatal(err)
		}
		const target = 1.3
		ratios := measured[0].Ratios()
		err = bench.PrintTable(os.Stdout, []bench.Row{
			{What: fmt.Sprintf("one response to %d sockets, from the sink on / one write each: processor time", sockets), Measured: bench.Spread(ratios), Target: fmt.Sprintf("≤ %.1f", target), Verdict: bench.AtMost(bench.Median(ratios), target)},
			{What: "a message", Measured: bench.Duration(bench.Median(measured[0].A)/sockets) + ", " + bench.Duration(bench.Median(measured[0].B)/sockets)},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(bench.Median(ratios), "of-floor")
		a.close()
	}
	b.ReportMetric(0, "ns/op")
}

// The two groups of an audience's sockets.
const (
	subscribed = 0
	bare       = 1
)

// audience is another process with many sockets of each group.
type audience struct {
	subs  []*scriptSub
	bare  []net.Conn
	heard [2]chan struct{} // a broadcast was read by all
	close func()
}

const drainVariable = "RUNNEL_TEST_DRAIN"

// draining is what the other process is told.
type draining struct {
	Address [2]string
	Sockets int
	Bytes   int64 // of a frame
}

func newAudience(b *testing.B, sockets, frameBytes int) *audience {
	script := newScript()
	tenants := tenanttest.Directory()
	tenanttest.Create(b, tenants, "demo")
	handler := transport.New(transport.Config{
		Executor: script, Authenticator: &doorkeeper{}, Tenants: tenants, KeepAlive: time.Hour, UnauthenticatedPerAddress: sockets,
	})
	a := &audience{}
	var listeners [2]net.Listener
	told := draining{Sockets: sockets, Bytes: int64(frameBytes)}
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		listeners[i], told.Address[i] = l, l.Addr().String()
		a.heard[i] = make(chan struct{}, 1)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listeners[subscribed]) }()
	text, err := json.Marshal(told)
	if err != nil {
		b.Fatal(err)
	}
	child := exec.CommandContext(b.Context(), os.Args[0])
	child.Env = append(os.Environ(), drainVariable+"="+string(text))
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	for range sockets {
		c, err := listeners[bare].Accept()
		if err != nil {
			b.Fatal(err)
		}
		a.bare = append(a.bare, c)
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() { // all are there
		b.Fatal("the clients ended")
	}
	for i := range sockets {
		a.subs = append(a.subs, script.sub(fmt.Sprint("s", i)))
	}
	go func() {
		defer close(a.heard[subscribed])
		defer close(a.heard[bare])
		for lines.Scan() {
			a.heard[lines.Bytes()[0]-'0'] <- struct{}{}
		}
	}()
	a.close = func() {
		_ = child.Process.Kill()
		_ = child.Wait()
		for _, c := range a.bare {
			_ = c.Close()
		}
		_, _ = listeners[bare].Close(), server.Close()
		_ = handler.Shutdown(b.Context())
	}
	return a
}

func (a *audience) await(group int) error {
	if _, ok := <-a.heard[group]; !ok {
		return fmt.Errorf("the clients ended")
	}
	return nil
}

// drain is the other process: it reads, and tells when all sockets of a group have
// had a frame.
func drain() {
	var told draining
	if err := json.Unmarshal([]byte(os.Getenv(drainVariable)), &told); err != nil {
		panic(err)
	}
	dialer := &websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	var conns [2][]net.Conn
	for i := range told.Sockets {
		c, err := net.Dial("tcp", told.Address[bare])
		if err != nil {
			panic(err)
		}
		conns[bare] = append(conns[bare], c)
		socket, _, err := dialer.Dial("ws://"+told.Address[subscribed]+"/t/demo/graphql", nil)
		if err != nil {
			panic(err)
		}
		for _, message := range []string{`{"type":"connection_init"}`, fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"subscription s%d"}}`, i), `{"type":"ping"}`} {
			if err := socket.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
				panic(err)
			}
			if strings.Contains(message, "subscribe") {
				continue
			}
			if _, _, err := socket.ReadMessage(); err != nil {
				panic(err)
			}
		}
		conns[subscribed] = append(conns[subscribed], socket.NetConn())
	}
	fmt.Println("ready")
	all := told.Bytes * int64(told.Sockets)
	for group := range conns {
		var read atomic.Int64
		for _, c := range conns[group] {
			go func() {
				buffer := make([]byte, 4096)
				for {
					n, err := c.Read(buffer)
					if now := read.Add(int64(n)); now/all > (now-int64(n))/all {
						fmt.Println(group)
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}
	select {} // until it is killed
}
