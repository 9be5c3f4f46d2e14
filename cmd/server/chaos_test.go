package main

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	"github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

var (
	chaosTime        = flag.Duration("chaos", 12*time.Second, "for how long TestChaos breaks what it can on each bus")
	chaosSeed        = flag.Uint64("chaosseed", 0, "`seed` of what TestChaos does; 0 takes one by the clock")
	chaosSubscribers = flag.Int("chaossubscribers", 1000, "`number` of resuming subscribers of TestChaos")
)

// TestChaos has three servers on one bus and one store, publishers that try again
// until they are accepted, and subscribers that resume on any server; and breaks
// one thing after the other. Each subscriber gets every number that it wants once
// and in order, or is told a gap that holds what it did not get, and nothing else.
func TestChaos(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		server, err := redistest.Start("--appendonly", "yes", "--appendfsync", "always", "--save", "") // with everysec a busy disk may cost a killed Redis its last writes
		if err != nil {
			t.Fatal(err)
		}
		c := newChaos(t, server.URL("chaos"))
		c.cleanup(server.Remove)
		c.run(postgrestest.Database(t),
			fault{"Redis is killed", func() { c.must(server.Kill()) }, func() { c.must(server.Start()) }},
			fault{"Redis comes back behind", func() {
				saved := server.Save(t)
				c.wait(500 * time.Millisecond)
				c.record.lossy()
				c.must(server.Kill())
				server.Restore(t, saved)
			}, func() { c.must(server.Start()) }},
		)
	})
	t.Run("postgres", func(t *testing.T) {
		server, err := postgrestest.Start()
		if err != nil {
			t.Fatal(err)
		}
		c := newChaos(t, server.Database(t, "events"))
		c.cleanup(server.Remove)
		c.run(server.Database(t, "store"),
			fault{"PostgreSQL is killed", func() { c.must(server.Stop(syscall.SIGKILL)) }, func() {
				err := server.Restart(syscall.SIGKILL)
				for began := time.Now(); err != nil && time.Since(began) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
					err = server.Restart(syscall.SIGKILL) // what is left of the one that was killed goes soon
				}
				c.must(err)
			}},
			fault{"PostgreSQL crashes", func() {}, func() { c.must(server.Restart(syscall.SIGQUIT)) }},
		)
	})
}

// fault is something to break, and to mend.
type fault struct {
	name     string
	do, undo func()
}

// chaos is three nodes on one bus, with proxies in front of all of them.
type chaos struct {
	t      *testing.T
	random *rand.Rand
	seed   uint64
	record *record

	bus    *proxy
	busURL string

	nodes       [3]*process
	fronts      [3]*proxy
	urls        []string
	subscribers []*subscriber
	publishers  []*publisher
}

func newChaos(t *testing.T, bus string) *chaos {
	c := &chaos{t: t, seed: *chaosSeed, record: newRecord()}
	if c.seed == 0 {
		c.seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", c.seed)
	c.random = rand.New(rand.NewPCG(c.seed, 0))
	u, err := url.Parse(bus)
	c.must(err)
	c.bus = newProxy(t, u.Host)
	u.Host = c.bus.address()
	c.busURL = u.String()
	return c
}

func (c *chaos) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *chaos) cleanup(f func() error) {
	c.t.Cleanup(func() {
		if err := f(); err != nil {
			c.t.Error(err)
		}
	})
}

// lossy takes note that the bus loses what it has accepted.
func (r *record) lossy() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loss = true
}

func (c *chaos) start(store string) {
	for i := range c.nodes {
		c.nodes[i] = start(c.t, c.arguments(store)...)
		c.fronts[i] = newProxy(c.t, c.nodes[i].address())
		c.urls = append(c.urls, "http://"+c.fronts[i].address())
	}
	here := c.nodes[0]
	here.createTenant("acme", `{"retentionEvents":60}`)
	here.push("acme", "numbers", numbersModule())
	for _, node := range c.nodes {
		for began := time.Now(); node.query("acme", "{ live }") != `{"data":{"live":true}}`; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				c.t.Fatalf("a node has no module; it logged:\n%s", node.logged())
			}
		}
	}
}

func (c *chaos) arguments(store string) []string {
	return []string{"--store", store, "--bus", c.busURL, "--unauthenticated-per-address", "10000", "--drain", "1ms"}
}

// numbersModule delivers an event with its meta.
func numbersModule() []byte {
	g := sandboxtest.New(`type Query { live: Boolean }
		type Number { channel: String n: Int part: Int }
		type Meta { id: ID }
		type Delivery { event: Number meta: Meta }
		type Subscription { numbers(part: Int): Delivery @on(channel: "a") @on(channel: "b") @match(path: "part", arg: "part") }`)
	const front, middle, room = `{"event":`, `,"meta":`, 4096
	g.Data(sandboxtest.Buffer, []byte(front))
	end := func(code wasmtest.Code) wasmtest.Code { // local 0 is where the output ends
		return wasmtest.Join(code, wasmtest.LocalGet(0), wasmtest.Op(wasm.OpI32Add), wasmtest.LocalSet(0))
	}
	input := func(kind abi.Kind) wasmtest.Code {
		return end(g.Call(abi.ImportInput, wasmtest.I32Const(int32(kind)), wasmtest.LocalGet(0), wasmtest.I32Const(room)))
	}
	text := g.Text(middle)
	g.Resolver("Subscription.numbers",
		wasmtest.I32Const(sandboxtest.Buffer+int32(len(front))), wasmtest.LocalSet(0),
		input(abi.InputEvent),
		wasmtest.LocalGet(0), text, wasmtest.MemoryCopy(), end(wasmtest.I32Const(int32(len(middle)))),
		input(abi.InputMeta),
		wasmtest.LocalGet(0), wasmtest.I32Const('}'), wasmtest.I32Store8(0), end(wasmtest.I32Const(1)),
		wasmtest.I32Const(sandboxtest.Buffer), wasmtest.LocalGet(0), wasmtest.I32Const(sandboxtest.Buffer), wasmtest.Op(wasm.OpI32Sub),
		wasmtest.Call(g.Host[abi.ImportOutput]), sandboxtest.Verdict(abi.Deliver))
	return g.Resolver("Query.live", g.Output("true")).Bytes()
}

// faults are those that do not depend on the bus.
func (c *chaos) faults(store string) []fault {
	node, front := 0, 0
	set := func(p func() *proxy, down, stalled bool) func() { return func() { p().set(down, stalled) } }
	bus := func() *proxy { return c.bus }
	one := func() *proxy { return c.fronts[front] }
	choose := func(then func()) func() {
		return func() { front = c.random.IntN(len(c.fronts)); then() }
	}
	return []fault{
		{"a node is killed", func() {
			node = c.random.IntN(len(c.nodes))
			c.nodes[node].kill()
		}, func() {
			c.nodes[node] = start(c.t, append([]string{"--listen", c.nodes[node].address()}, c.arguments(store)...)...)
		}},
		{"connections of clients are cut", func() {
			for _, s := range c.subscribers {
				if c.random.IntN(5) == 0 {
					s.cut()
				}
			}
		}, func() {}},
		{"the bus can't be reached", set(bus, true, false), set(bus, false, false)},
		{"the bus does not answer", set(bus, false, true), set(bus, false, false)},
		{"the bus's connections are cut", c.bus.cut, func() {}},
		{"a node's connections are cut", choose(func() { one().cut() }), func() {}},
		{"a node can't be reached", choose(set(one, true, false)), set(one, false, false)},
		{"a node does not answer", choose(set(one, false, true)), set(one, false, false)},
	}
}

// run breaks things for as long as it is told to, and then looks what has come.
func (c *chaos) run(store string, ofBus ...fault) {
	c.start(store)
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	var clients sync.WaitGroup
	defer func() { stop(); clients.Wait() }()
	for i := range *chaosSubscribers {
		s := &subscriber{index: i, part: i%(2*parts) - parts, random: rand.New(rand.NewPCG(c.seed, uint64(i+10))), urls: c.urls}
		s.part = max(s.part, -1) // half of them want all
		if i%50 == 0 {           // for longer than events are kept, now and then
			s.away = time.Duration(1+s.random.IntN(3)) * time.Second
		}
		c.subscribers = append(c.subscribers, s)
		clients.Go(func() { s.work(ctx) })
	}
	c.await("all subscribers are live", func() bool {
		for _, s := range c.subscribers {
			s.mu.Lock()
			live := s.cursor != ""
			s.mu.Unlock()
			if !live {
				return false
			}
		}
		return true
	})
	publishing, end := context.WithCancel(ctx)
	var published sync.WaitGroup
	defer func() { end(); published.Wait() }()
	for i, channel := range []string{"a", "b"} {
		p := &publisher{channel: channel, random: rand.New(rand.NewPCG(c.seed, uint64(i+1))), urls: c.urls, record: c.record, client: &http.Client{Timeout: 5 * time.Second}}
		c.publishers = append(c.publishers, p)
		published.Go(func() {
			if err := p.work(publishing); err != nil {
				c.t.Error(err)
			}
		})
	}
	c.breakAll(append(ofBus, c.faults(store)...))
	end()
	published.Wait()
	c.settle()
	stop()
	clients.Wait()
	c.judge()
}

// breakAll breaks one thing after the other, each of them once at least.
func (c *chaos) breakAll(faults []fault) {
	began := time.Now()
	for round := 0; round == 0 || time.Since(began) < *chaosTime; round++ {
		c.random.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		for _, f := range faults {
			if round > 0 && time.Since(began) > *chaosTime {
				return
			}
			c.wait(600 * time.Millisecond)
			at := time.Since(began)
			f.do()
			c.wait(900 * time.Millisecond)
			f.undo()
			c.t.Logf("%6.2fs to %6.2fs: %s", at.Seconds(), time.Since(began).Seconds(), f.name)
		}
	}
}

// wait waits for some time, up to most.
func (c *chaos) wait(most time.Duration) { time.Sleep(time.Duration(c.random.Int64N(int64(most)))) }

func (c *chaos) await(what string, so func() bool) {
	c.t.Helper()
	for began := time.Now(); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 40*time.Second {
			c.t.Errorf("not after %v: %s", time.Since(began).Round(time.Second), what)
			return
		}
	}
}

// settle waits until each subscriber has what it will get.
func (c *chaos) settle() {
	waiting := c.subscribers
	began := time.Now()
	c.await("all subscribers have seen all", func() bool {
		for len(waiting) > 0 {
			s := waiting[0]
			c.record.learn(s)
			s.mu.Lock()
			first, _ := c.record.missing(s)
			refused := s.refused
			s.mu.Unlock()
			if first != nil && refused == nil {
				return false
			}
			waiting = waiting[1:]
		}
		return true
	})
	c.t.Logf("settled after %v", time.Since(began).Round(time.Millisecond))
	time.Sleep(300 * time.Millisecond) // what comes twice would have come by then
}

func (c *chaos) judge() {
	for _, s := range c.subscribers {
		c.record.learn(s)
	}
	var delivered, gaps, lost, repeated, connections, wrong int
	for _, s := range c.subscribers {
		l, r, err := c.record.check(s)
		delivered, gaps, lost, repeated, connections = delivered+len(s.got), gaps+len(s.gaps), lost+l, repeated+r, connections+s.connections
		if err != nil {
			if wrong++; wrong <= 5 {
				c.t.Errorf("subscriber %d, filter %d: %v\n%s", s.index, s.part, err, strings.Join(s.trail, "\n"))
			}
		}
	}
	if wrong > 0 {
		c.t.Errorf("%d of %d subscribers", wrong, len(c.subscribers))
		for i, node := range c.nodes {
			c.t.Logf("node %d logged:\n%s", i, node.logged())
		}
	}
	published, tries, most := 0, 0, 0
	for _, p := range c.publishers {
		published, tries, most = published+p.accepted, tries+p.tries, max(most, p.mostTries)
	}
	c.t.Logf("%d subscribers, %d numbers, %d deliveries, %d told as lost in %d gaps, %d repeated, %d connections; %d tries to publish in vain, at most %d of a batch",
		len(c.subscribers), published, delivered, lost, gaps, repeated, connections, tries, most)
	if delivered == 0 {
		c.t.Error("nothing was delivered: the test is of no use")
	}
}
