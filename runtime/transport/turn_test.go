package transport

import (
	"io"
	"net"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestTurnWithNothingToWrite: what waited for a socket is dropped before its turn
// comes, as when the peer is cut off. The writer ends all the same, and serves others.
func TestTurnWithNothingToWrite(t *testing.T) {
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	h := New(Config{})
	connect := func() (c *conn, peer net.Conn) {
		peer, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		socket, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = peer.Close(), socket.Close() })
		return &conn{handler: h, tenant: limited, net: socket, raw: rawConn(socket)}, peer
	}
	cut, _ := connect()
	other, peer := connect()
	cut.mu.Lock() // the writer has to wait
	cut.sendOwnLocked(&action{kind: sendPing})
	cut.mu.queue.drop()
	cut.mu.queue.sealed = true
	cut.mu.Unlock()
	other.mu.Lock()
	other.sendOwnLocked(&action{kind: sendPing})
	other.mu.Unlock()
	cut.tasks.Wait()
	other.tasks.Wait()
	if cut.mu.writing || other.mu.writing {
		t.Error("a writer has not ended")
	}
	const want = "\x81\x0f" + `{"type":"ping"}`
	got := make([]byte, len(want))
	if _, err := io.ReadFull(peer, got); err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}
