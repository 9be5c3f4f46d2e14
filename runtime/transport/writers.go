package transport

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/response"
)

// patience is how many turns a writer takes without a rest before another comes to its
// help: some 10 ms. Several make the kernel's part of a write dearer, and a short burst is
// no reason to keep the other processors from runs and readers.
const patience = 2048

// writers write to the sockets of all connections that have something waiting, in
// turn: one goroutine, as many as there are processors where that is not enough, and none
// while nothing waits. None of
// them ever waits for a peer. Where a socket does not take all at once, the writer
// leaves, another takes its place, and it stays with that connection until
// nothing waits for it any more, with a deadline for each write.
type writers struct {
	most int

	mu struct {
		sync.Mutex
		first, last *conn // whose turn is next, and last
		running     int
	}
}

func newWriters() *writers { return &writers{most: runtime.GOMAXPROCS(0)} }

// add gives a connection a turn. It must not have one.
func (p *writers) add(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.first == nil {
		p.mu.first = c
	} else {
		p.mu.last.behind = c
	}
	p.mu.last = c
	p.startLocked(1)
}

// startLocked starts a writer where something waits and less than so many run.
func (p *writers) startLocked(most int) {
	if p.mu.first != nil && p.mu.running < most {
		p.mu.running++
		go newWriter(p).run()
	}
}

// next gives a writer the connection whose turn it is. Where there is none, it returns nil, and
// the writer has ended. turns is how many it has had.
func (p *writers) next(turns int) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.mu.first
	if c == nil {
		p.mu.running--
		return nil
	}
	p.mu.first, c.behind = c.behind, nil
	if turns > 0 && turns%patience == 0 {
		p.startLocked(p.most)
	}
	return c
}

// leave lets another writer take the place of one that will wait.
func (p *writers) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.running--
	p.startLocked(1)
}

// writer is one of the writers, or writes for one connection alone.
type writer struct {
	pool    *writers // nil where it serves one connection
	conn    *conn    // for whom it writes
	attempt attempt
}

func newWriter(p *writers) *writer {
	w := &writer{pool: p}
	w.attempt.prepare()
	return w
}

// run gives connections their turns until none has anything to write.
func (w *writer) run() {
	for turns := 0; w.pool != nil; turns++ {
		if w.conn = w.pool.next(turns); w.conn == nil {
			return
		}
		w.turn()
	}
}

// turn writes what waits for a connection. What comes meanwhile gets a turn behind
// the others', unless the writer has left them.
func (w *writer) turn() {
	defer w.recovered()
	c := w.conn
	b := c.take()
	if b == nil { // it was cut off meanwhile
		c.tasks.Done()
		return
	}
	if !w.write(b) {
		return
	}
	if w.pool == nil {
		w.stay()
		return
	}
	if c.waits() {
		w.pool.add(c)
		return
	}
	c.tasks.Done()
}

// recovered turns a panic, which is a bug, into the end of this one connection. No writer comes
// after it.
func (w *writer) recovered() {
	if p := recover(); p != nil {
		c := w.conn
		c.handler.config.Logger.Error("panic while writing to a connection",
			"tenant", c.tenant.ID(), "panic", p, "stack", string(debug.Stack()))
		c.mu.ends(EndInternal)
		c.cut() // the reader ends then, and all else with it
		c.tasks.Done()
	}
}

// stay writes until nothing waits for the connection.
func (w *writer) stay() {
	defer w.recovered()
	for b := w.conn.take(); b != nil; b = w.conn.take() {
		if !w.write(b) {
			return
		}
	}
	w.conn.tasks.Done()
}

// write writes a batch, or ends the connection and reports false. No writer comes after
// it then.
func (w *writer) write(b *batch) bool {
	c := w.conn
	if err := b.write(w); err != nil {
		c.mu.broke(err)
		_ = c.net.Close() // the reader ends then, and all else with it
		c.tasks.Done()
		return false
	}
	b.recycle()
	return true
}

// writeBytes implements outlet.
func (w *writer) writeBytes(p []byte) error {
	for w.pool != nil && len(p) > 0 {
		piece := p[:min(len(p), response.MaxWriteBytes)]
		n, err := w.attempt.write(w.conn.raw, piece)
		if err != nil {
			return err
		}
		if p = p[n:]; n < len(piece) {
			w.pool.leave()
			w.pool = nil
		}
	}
	return w.conn.writeBytes(p)
}

// wrote implements outlet.
func (w *writer) wrote(frames []frame, n, start int) (cut bool) {
	return w.conn.wrote(frames, n, start)
}

// writeBytes writes all of p, each piece under a deadline of its own.
func (c *conn) writeBytes(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), response.MaxWriteBytes)
		if err := c.net.SetWriteDeadline(time.Now().Add(c.handler.config.WriteTimeout)); err != nil {
			return err
		}
		if _, err := c.net.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}
