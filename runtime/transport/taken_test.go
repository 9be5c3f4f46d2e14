package transport

import (
	"bytes"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// unwritten is a stream that nobody writes.
func unwritten(t *testing.T) (s *stream, limit int) {
	limited, err := tenant.New("demo", tenant.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return &stream{tenant: limited, wake: make(chan struct{}, 1)}, flowOf(limited).queueBytes
}

// TestAStreamSaysWhatItTakes fills the queue of a stream that nobody writes.
func TestAStreamSaysWhatItTakes(t *testing.T) {
	s, limit := unwritten(t)
	response := bytes.Repeat([]byte("1"), limit/2)
	for i, want := range []bool{true, true, false, false} { // the first does not count
		if got, _ := s.Next(graph.Delivery{Response: response}); got != want {
			t.Errorf("response %d: taken %v, want %v", i, got, want)
		}
	}
	s.tasks.Wait()
}

// TestWhatDoesNotLeaveIsCounted: a response that takes the place of another and does not fit ends
// the stream, and neither leaves.
func TestWhatDoesNotLeaveIsCounted(t *testing.T) {
	s, limit := unwritten(t)
	tenth := bytes.Repeat([]byte("1"), limit/10)
	for i, c := range []struct {
		key            string
		tenths         int
		taken, skipped bool
	}{{"", 5, true, false}, {"a", 3, true, false}, {"a", 2, true, true}, {"b", 5, true, false}, {"a", 5, false, false}} {
		taken, skipped := s.Next(graph.Delivery{Key: c.key, Response: bytes.Repeat(tenth, c.tenths)})
		if taken != c.taken || skipped != c.skipped {
			t.Errorf("response %d: taken %v, skipped %v", i, taken, skipped)
		}
	}
	if n := s.mu.queue.unsent(); s.mu.ending != EndSlowConsumer || n != 4 {
		t.Errorf("it ended with %v, and %d did not leave, want 4: all but the one that was told of as skipped", s.mu.ending, n)
	}
	s.tasks.Wait()
}

// TestAfterTheEndOfAStream: neither a response nor a position follows. The responses of
// subscriptions are counted that did not leave, and those of queries are not.
func TestAfterTheEndOfAStream(t *testing.T) {
	for executes, want := range map[bool]int{false: 2, true: 0} {
		s, _ := unwritten(t)
		s.executes = executes
		s.Next(graph.Delivery{Response: []byte("1")})
		s.Complete()
		waits := s.mu.queue.size()
		taken, _ := s.Next(graph.Delivery{Response: []byte("2")})
		s.Position("c")
		if got := s.mu.queue.unsent(); taken || s.mu.queue.size() != waits || got != want {
			t.Errorf("executes %v: taken %v, %d bytes wait after %d, %d are unsent, want %d", executes, taken, s.mu.queue.size(), waits, got, want)
		}
	}
}

// TestSlowOfWordsOfItsOwn: what a connection says besides responses counts, too.
func TestSlowOfWordsOfItsOwn(t *testing.T) {
	connect := turns(t)
	for what, say := range map[string]func(*conn, *operation){
		"pong":     func(c *conn, _ *operation) { _ = c.pinged(strings.Repeat("p", 125)) },
		"position": func(_ *conn, op *operation) { op.Position(strings.Repeat("c", 100)) },
	} {
		c, _ := connect()
		c.cancel = func() {}
		c.mu.writing = true // nobody does
		op := &operation{id: "1", conn: c, live: true}
		c.mu.machine.operations.put(op)
		for range flowOf(c.tenant).queueBytes / 100 {
			say(c, op)
		}
		c.tasks.Wait()
		if c.mu.ending != EndSlowConsumer || c.mu.queue.size() > 200 {
			t.Errorf("%s: ended with %v, %d bytes wait", what, c.mu.ending, c.mu.queue.size())
		}
	}
}
