package main

import (
	"net"
	"sync"
	"testing"
)

// proxy passes TCP connections on, until it is told otherwise.
type proxy struct {
	listener net.Listener
	target   string
	serving  sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // with mu
	conns   map[net.Conn]struct{}
	served  int  // connections so far
	down    bool // refuses
	stalled bool // passes nothing on, and closes nothing
}

// newProxy makes a proxy to an address, which ends with the test.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, conns: map[net.Conn]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	p.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			p.serving.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(true, false)
		p.serving.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// set says whether the proxy refuses connections, which cuts those that there are
// in the middle of what they carry, and whether it passes nothing on.
func (p *proxy) set(down, stalled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.stalled = down, stalled
	if down {
		p.cutLocked()
	}
	p.changed.Broadcast()
}

// cut closes all connections, with what is under way on them.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutLocked()
}

func (p *proxy) cutLocked() {
	for conn := range p.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // what was written is not sent any more
		}
		_ = conn.Close()
	}
}

// enter takes a connection in, unless the proxy is down.
func (p *proxy) enter(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		_ = conn.Close()
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *proxy) leave(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *proxy) serve(client net.Conn) {
	if !p.enter(client) {
		return
	}
	defer p.leave(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.enter(server) {
		return
	}
	defer p.leave(server)
	p.mu.Lock()
	p.served++
	p.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { p.pass(server, client) })
	p.pass(client, server)
	back.Wait()
}

// pass hands on what comes from one side, and closes both at its end.
func (p *proxy) pass(from, to net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.stalled && !p.down {
			p.changed.Wait()
		}
		p.mu.Unlock()
		if n > 0 && err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}
