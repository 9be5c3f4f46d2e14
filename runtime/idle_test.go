//go:build unix

package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime"
)

// TestIdleConnections holds what an idle connection with a subscription costs: one
// goroutine, which has the least stack, and few bytes of the heap. What its client
// takes is the kernel's.
func TestIdleConnections(t *testing.T) {
	const connections = 300
	const most = 6000 * slowness // the race detector takes memory, too
	server, err := runtime.New(runtime.Config{Dev: true, UnauthenticatedPerAddress: connections})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // its clients do not answer
		_ = server.Shutdown(ctx)
	}()
	web := httptest.NewServer(server)
	defer web.Close()
	if err := errors.Join(server.CreateTenant(t.Context(), "acme", nil), server.Push(t.Context(), "acme", "orders", examples.OrdersRust)); err != nil {
		t.Fatal(err)
	}
	address := web.Listener.Addr().(*net.TCPAddr)
	dialKernel(t, address, 0) // the plan is there before
	goroutines, before := settled(t, 0)
	for i := range connections {
		dialKernel(t, address, i+1)
	}
	_, after := settled(t, goroutines+connections)
	each := (after - before) / connections
	t.Logf("%d bytes of heap and stacks each", each)
	if each > most {
		t.Errorf("an idle connection takes %d bytes, at most %d are expected", each, most)
	}
}

// settled waits until there are so many goroutines, or for 0 until their number
// stays, and returns it and the bytes of heap and stacks.
func settled(t *testing.T, want int) (goroutines int, memory int64) {
	t.Helper()
	same := 0
	for start := time.Now(); same < 50; time.Sleep(time.Millisecond) {
		n := goruntime.NumGoroutine()
		if want == 0 && n == goroutines || n == want {
			same++
		} else {
			same = 0
		}
		if goroutines = n; time.Since(start) > time.Minute {
			t.Fatalf("%d goroutines, want %d", n, want)
		}
	}
	for range 3 { // what pools held for one more round, and the stacks that it needed
		goruntime.GC()
	}
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return goroutines, int64(m.HeapAlloc + m.StackInuse)
}

// dialKernel subscribes over a socket of which the Go runtime knows nothing.
func dialKernel(t *testing.T, to *net.TCPAddr, n int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	exchange := func(text, answer string) {
		if _, err := syscall.Write(fd, []byte(text)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for part := make([]byte, 512); !bytes.Contains(got, []byte(answer)); {
			n, err := syscall.Read(fd, part)
			if err != nil || n == 0 {
				t.Fatalf("got %q, %v", got, err)
			}
			got = append(got, part[:n]...)
		}
	}
	exchange(strings.ReplaceAll(`GET /t/acme/graphql HTTP/1.1
Host: localhost
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Protocol: graphql-transport-ws

`, "\n", "\r\n"), "\r\n\r\n")
	exchange(maskedText(`{"type":"connection_init"}`), "connection_ack")
	subscribe := fmt.Sprintf(`{"id":"%08x-0000-4000-8000-000000000000","type":"subscribe","payload":{"query":"subscription { orderUpdated { id status total } }"}}`, n)
	exchange(maskedText(subscribe)+maskedText(`{"type":"ping"}`), "pong")
	exchange("\x89\x80\x00\x00\x00\x00", "\x8a\x00") // a ping and a pong, as keep-alive has them
	if _, err := syscall.Write(fd, []byte("\x8a\x80\x00\x00\x00\x00")); err != nil {
		t.Fatal(err)
	}
}

// maskedText is a client's text frame of less than 64 KiB.
func maskedText(text string) string {
	head := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		head = []byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text))}
	}
	return string(head) + "\x00\x00\x00\x00" + text
}
