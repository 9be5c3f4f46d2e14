package transport

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
)

// model is what the protocol says of a connection, in the plainest terms.
type model struct {
	ready, initSeen, closed bool
	open                    map[string]*operation // by id: subscribed, and ended by nobody
	leaving                 map[string]*operation // ended by the server, whose last frame has not left
	slots                   map[*operation]bool   // started, and not released
	quiet                   int                   // beats without a word of the peer
}

func (w *model) phase() phase {
	switch {
	case w.closed:
		return phaseClosed
	case w.ready:
		return phaseReady
	case w.initSeen:
		return phaseAuthenticating
	}
	return phaseWaiting
}

// FuzzMachine plays random events and holds the machine against the model: what
// is sent, started, stopped and closed is what the model expects, and phase, ids
// and slots are the same after each event.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 10, 20, 30, 10, 11, 12, 40, 50, 10})
	f.Add([]byte{0, 1, 10, 40, 10, 41, 70, 10, 60, 2})
	f.Add([]byte{0, 1, 90, 10, 11, 12, 80, 80, 3, 4, 4})
	f.Add([]byte{0, 1, 10, 11, 12, 31, 8, 10, 8})
	f.Add([]byte{0, 1, 94, 10, 4, 4, 8, 4, 4, 80, 4, 4, 4, 10})
	f.Add([]byte{0, 1, 94, 10, 40, 10, 31, 50, 10, 42, 62, 10})
	f.Fuzz(func(t *testing.T, events []byte) {
		if len(events) > 500 {
			return
		}
		c := &checker{t: t, m: &machine{maxOperations: 3}, want: model{
			open: map[string]*operation{}, leaving: map[string]*operation{}, slots: map[*operation]bool{},
		}}
		for _, e := range events {
			c.event(e/10, e%10)
			c.compare()
		}
	})
}

type checker struct {
	t    *testing.T
	m    *machine
	want model
	ops  []*operation // in the order in which they came
}

// event plays one event, checks what the machine wants done, and tells the model.
func (c *checker) event(verb, arg byte) {
	id := string(rune('a' + arg%4))
	var op *operation
	if len(c.ops) > 0 {
		op = c.ops[int(arg)%len(c.ops)]
	}
	switch verb {
	case 0:
		c.connectionEvent(arg)
	case 1:
		c.subscribe(id)
	case 2, 3, 4:
		if op != nil {
			c.executorEvent(verb, op)
		}
	case 5:
		c.complete(id)
	case 6:
		if op != nil {
			c.m.left(op)
			if c.want.leaving[op.id] == op {
				delete(c.want.leaving, op.id)
			}
		}
	case 7:
		if op != nil {
			c.m.released(op)
			delete(c.want.slots, op)
		}
	case 8:
		c.expect(c.hear(message{kind: messagePing}), c.unlessClosed("pong"))
	case 9:
		c.m.maxOperations = int(arg % 4)
	}
}

// hear has the machine take a message.
func (c *checker) hear(msg message) []action {
	c.want.quiet = 0
	return c.m.received(msg, nil)
}

// tick plays a beat: a ping of the WebSocket, one of the protocol, the end.
func (c *checker) tick() {
	got := c.m.ticked(nil)
	if c.want.closed {
		c.expect(got)
		return
	}
	c.want.quiet++
	switch c.want.quiet {
	case 1:
		c.expect(got, "control ping")
	case 2:
		c.expect(got, "ping")
	default:
		last := len(got) - 1
		if got[last].kind != terminate {
			c.t.Fatalf("a dead peer: got %v", got)
		}
		c.expectStops(got[:last])
	}
}

func (c *checker) connectionEvent(arg byte) {
	w := &c.want
	switch arg {
	case 0:
		got := c.hear(message{kind: messageInit})
		switch {
		case w.closed:
			c.expect(got)
		case w.initSeen:
			c.expectClose(got, 4429)
		default:
			w.initSeen = true
			c.expect(got, "authenticate")
		}
	case 1:
		got := c.m.authenticated(nil)
		if w.initSeen && !w.ready && !w.closed {
			w.ready = true
			c.expect(got, "ack")
		} else {
			c.expect(got)
		}
	case 2:
		c.expectClose(c.m.refused(nil), 4403)
	case 3:
		got := c.m.initTimedOut(nil)
		if w.initSeen || w.closed {
			c.expect(got)
		} else {
			c.expectClose(got, 4408)
		}
	case 4:
		c.tick()
	case 5:
		c.expectClose(c.m.violated(violation{4400, "x"}, nil), 4400)
	case 6:
		c.expectStops(c.m.gone(nil))
	case 7:
		c.expect(c.hear(message{kind: messagePong}))
	case 8:
		c.expire()
	default:
		c.m.heard()
		c.want.quiet = 0
	}
}

// expire ends the subscriber's time: each open operation fails and is stopped.
func (c *checker) expire() {
	got := c.m.expired(nil)
	if c.want.closed {
		c.expect(got)
		return
	}
	var want []string
	for _, id := range slices.Sorted(maps.Keys(c.want.open)) {
		want = append(want, c.word("error", c.want.open[id]), c.word("stop", c.want.open[id]))
	}
	last := len(got) - 1
	if last < 0 || got[last].kind != sendClose || got[last].code != 4403 {
		c.t.Fatalf("got %v, want close 4403 at the end", got)
	}
	c.expect(got[:last], want...)
	c.want.closed = true
	clear(c.want.open)
	clear(c.want.leaving)
}

func (c *checker) subscribe(id string) {
	w := &c.want
	got := c.hear(message{kind: messageSubscribe, id: id})
	_, taken := w.open[id]
	switch {
	case w.closed:
		c.expect(got)
		return
	case !w.ready:
		c.expectClose(got, 4401)
		return
	case taken:
		c.expectClose(got, 4409)
		return
	}
	op := got[0].op
	if slices.Contains(c.ops, op) {
		c.t.Fatal("an operation came again")
	}
	c.ops = append(c.ops, op)
	delete(w.leaving, id)
	if len(w.slots) >= c.m.maxOperations {
		w.leaving[id] = op
		c.expect(got, c.word("error", op))
		return
	}
	w.open[id] = op
	w.slots[op] = true
	c.expect(got, c.word("start", op))
}

func (c *checker) complete(id string) {
	got := c.hear(message{kind: messageComplete, id: id})
	if op, ok := c.want.open[id]; ok {
		delete(c.want.open, id)
		c.expect(got, c.word("drop", op), c.word("stop", op))
		return
	}
	if op, ok := c.want.leaving[id]; ok {
		delete(c.want.leaving, id)
		c.expect(got, c.word("drop", op))
		return
	}
	c.expect(got)
}

func (c *checker) executorEvent(verb byte, op *operation) {
	open := c.want.open[op.id] == op
	switch verb {
	case 2:
		if c.m.delivers(op) != open {
			c.t.Fatalf("operation %q: delivers %v, open %v", op.id, !open, open)
		}
	case 3, 4:
		word, got := "error", []action(nil)
		if verb == 3 {
			got = c.m.fail(op, graph.Errors{{Message: "x"}}, nil)
		} else {
			word, got = "complete", c.m.complete(op, nil)
		}
		if !open {
			c.expect(got)
			return
		}
		delete(c.want.open, op.id)
		c.want.leaving[op.id] = op
		c.expect(got, c.word(word, op))
	}
}

func (c *checker) unlessClosed(word string) string {
	if c.want.closed {
		return ""
	}
	return word
}

// expect compares actions with their short names; empty names count for none.
func (c *checker) expect(got []action, want ...string) {
	c.t.Helper()
	want = slices.DeleteFunc(want, func(s string) bool { return s == "" })
	var names []string
	for _, a := range got {
		names = append(names, c.name(a))
	}
	if !slices.Equal(names, want) {
		c.t.Fatalf("got %q, want %q", names, want)
	}
}

func (c *checker) expectClose(got []action, code int) {
	c.t.Helper()
	if c.want.closed {
		c.expect(got)
		return
	}
	if len(got) == 0 || got[0].kind != sendClose || got[0].code != code {
		c.t.Fatalf("got %v, want close %d", got, code)
	}
	c.expectStops(got[1:])
}

// expectStops ends the model's connection: each open operation is stopped, once.
func (c *checker) expectStops(got []action) {
	c.t.Helper()
	var want []string
	for _, id := range slices.Sorted(maps.Keys(c.want.open)) {
		want = append(want, c.word("stop", c.want.open[id]))
	}
	c.want.closed = true
	clear(c.want.open)
	clear(c.want.leaving)
	c.expect(got, want...)
}

func (c *checker) compare() {
	c.t.Helper()
	open, leaving := map[string]*operation{}, map[string]*operation{}
	list := c.m.operations.list
	for i, op := range list {
		if i > 0 && list[i-1].id >= op.id {
			c.t.Fatalf("%q is filed before %q", list[i-1].id, op.id)
		}
		if op.live {
			open[op.id] = op
		} else {
			leaving[op.id] = op
		}
	}
	if one := c.m.operations.one[0]; one != nil && !slices.Contains(list, one) {
		c.t.Fatalf("%q is held", one.id)
	}
	if !maps.Equal(open, c.want.open) || !maps.Equal(leaving, c.want.leaving) {
		c.t.Fatalf("open ids %v and leaving %v, want %v and %v", open, leaving, c.want.open, c.want.leaving)
	}
	if c.m.slots != len(c.want.slots) {
		c.t.Fatalf("%d slots, want %d", c.m.slots, len(c.want.slots))
	}
	if want := c.want.phase(); c.m.phase != want {
		c.t.Fatalf("phase %d, want %d", c.m.phase, want)
	}
}

// word names what happens to an operation, by how many came before.
func (c *checker) word(what string, op *operation) string {
	return fmt.Sprint(what, " ", 1+slices.Index(c.ops, op))
}

func (c *checker) name(a action) string {
	switch a.kind {
	case sendAck:
		return "ack"
	case sendPong:
		return "pong"
	case sendPing:
		return "ping"
	case sendControlPing:
		return "control ping"
	case startAuthenticate:
		return "authenticate"
	case sendError:
		return c.word("error", a.op)
	case sendComplete:
		return c.word("complete", a.op)
	case startOperation:
		return c.word("start", a.op)
	case stopOperation:
		return c.word("stop", a.op)
	case dropFrames:
		return c.word("drop", a.op)
	}
	return describe(a, 0)
}
