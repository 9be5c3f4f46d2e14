package transport

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestTurnWithNothingToWrite: what waited for a socket is dropped before its turn
// comes, as when the peer is cut off. The writer ends all the same, and serves others.
func TestTurnWithNothingToWrite(t *testing.T) {
	connect := turns(t)
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

// turns returns what makes connections of one handler that only write.
func turns(t *testing.T) (connect func() (c *conn, peer net.Conn)) {
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	h := New(Config{})
	return func() (c *conn, peer net.Conn) {
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
}

// TestABugEndsOneConnection: what waits for a socket makes its writer panic. Others are
// served.
func TestABugEndsOneConnection(t *testing.T) {
	connect := turns(t)
	broken, peer := connect()
	other, otherPeer := connect()
	broken.mu.Lock()
	broken.sendOwnLocked(&action{kind: sendPing})
	broken.mu.queue.waiting.frames[0].end = 1 << 20
	broken.mu.Unlock()
	broken.tasks.Wait()
	if _, err := peer.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
	if broken.mu.ending != EndInternal {
		t.Errorf("it ended with %v", broken.mu.ending)
	}
	other.mu.Lock()
	other.sendOwnLocked(&action{kind: sendPing})
	other.mu.Unlock()
	other.tasks.Wait()
	if _, err := io.ReadFull(otherPeer, make([]byte, 17)); err != nil {
		t.Error(err)
	}
}

// TestWhatIsHeldBackFollows: where a socket takes all that waits, what was held back behind it has
// the next turn.
func TestWhatIsHeldBackFollows(t *testing.T) {
	connect := turns(t)
	c, peer := connect()
	limits := tenant.DefaultLimits()
	limits.QueueBytes = 4096
	limited, err := tenant.New("demo", limits)
	if err != nil {
		t.Fatal(err)
	}
	c.tenant = limited
	op := &operation{id: "1", conn: c, live: true}
	var want []string
	c.mu.Lock() // the writer has to wait
	for i, size := range []int{3000, 1, 2500, 1} {
		response := `"` + strings.Repeat("x", size) + `"`
		c.nextLocked(op, &graph.Delivery{Response: []byte(response), Key: strconv.Itoa(i)})
		want = append(want, `{"id":"1","type":"next","payload":`+response+`}`)
	}
	if c.mu.backlogs == nil {
		t.Error("nothing is held back")
	}
	c.mu.Unlock()
	c.tasks.Wait()
	if c.mu.backlogs != nil {
		t.Error("something is held back, and nothing waits")
	}
	_ = c.net.Close()
	frames, err := io.ReadAll(peer)
	if err != nil {
		t.Error(err)
	}
	at := 0
	for _, text := range want {
		found := strings.Index(string(frames[at:]), text)
		if found < 0 {
			t.Fatalf("%.50s… is not there, or not in its place", text)
		}
		at += found
	}
}

// TestLongFrame: a writer stays with the others for as long as a socket takes all, however long the
// frame is.
func TestLongFrame(t *testing.T) {
	connect := turns(t)
	c, _ := connect()
	if err := c.net.(*net.TCPConn).SetWriteBuffer(1 << 20); err != nil {
		t.Fatal(err)
	}
	w := newWriter(newWriters())
	w.conn, w.pool.mu.running = c, 1
	if err := w.writeBytes(make([]byte, response.MaxWriteBytes+1)); err != nil || w.pool == nil {
		t.Errorf("a frame that the socket takes: %v, with the others %v", err, w.pool != nil)
	}
}
