package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// ticking is a module whose Subscription has numbers as they are published, all or those
// of one kind.
func ticking(version string) []byte {
	g := sandboxtest.New(`# ` + version + `
type Tick { n: Int! }
type Subscription { tick(kind: String): Tick @on(channel: "ticks") @match(path: "kind", arg: "kind")
                    last: Tick @on(channel: "ticks", initial: true) }`)
	g.Resolver("Subscription.tick", g.Echo(abi.InputEvent))
	g.Resolver("Subscription.last", g.Echo(abi.InputEvent))
	return g.Bytes()
}

// ticks publishes a range of numbers, every third of the kind "third".
func (p *process) ticks(from, to int) {
	p.t.Helper()
	for n := from; n <= to; n++ {
		kind := "other"
		if n%3 == 0 {
			kind = "third"
		}
		p.publish("acme", "ticks", fmt.Sprintf(`{"n":%d,"kind":%q}`, n, kind))
	}
}

// TestResumingClientCutAtRandom has the recipe of docs/events.md go through a proxy that
// cuts its socket again and again while numbers are published: it gets each once and in
// order.
func TestResumingClientCutAtRandom(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", ticking("one"))
	x := newProxy(t, p.address())
	target := "ws://" + x.listener.Addr().String() + "/t/acme/graphql"
	const events = 900
	all := node(t, "graphql-ws", "resume.mjs", target, `subscription { tick { n } }`, fmt.Sprint(events))
	thirds := node(t, "graphql-ws", "resume.mjs", target, `subscription { tick(kind: "third") { n } }`, fmt.Sprint(events/3))
	expectLine(t, all, `{"live":true}`)
	expectLine(t, thirds, `{"live":true}`)
	var work sync.WaitGroup
	defer work.Wait()
	published := make(chan struct{})
	work.Go(func() {
		defer close(published)
		p.ticks(1, events)
	})
	work.Go(func() {
		random := rand.New(rand.NewPCG(1, 6))
		for {
			select {
			case <-published:
				return
			case <-time.After(time.Duration(1+random.IntN(60)) * time.Millisecond):
				x.cut()
			}
		}
	})
	for next, step := range map[*func() string]int{&all: 1, &thirds: 3} {
		for n := step; n <= events; n += step {
			line := (*next)()
			for line == `{"live":true}` {
				line = (*next)()
			}
			if !strings.HasPrefix(line, fmt.Sprintf(`{"data":{"tick":{"n":%d}},"cursor":"`, n)) {
				t.Fatalf("got %s, want %d", line, n)
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.served < 8 {
		t.Errorf("only %d connections: nothing was cut", x.served)
	}
	t.Logf("%d connections", x.served)
}

// TestApolloResumes has Apollo Client use the recipe, whose socket is cut before each number.
func TestApolloResumes(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", ticking("one"))
	x := newProxy(t, p.address())
	const events = 10
	next := node(t, "apollo-client", "resume.mjs", "ws://"+x.listener.Addr().String()+"/t/acme/graphql", `subscription { tick { n } }`, fmt.Sprint(events))
	expectLine(t, next, `{"live":true}`)
	for n := range events {
		x.cut()
		p.ticks(n+1, n+1)
	}
	for n := range events {
		expectLine(t, next, fmt.Sprintf(`{"n":%d}`, n+1))
	}
}

// TestResumingClientAfterARestart has the server go away with what the memory bus kept: the
// client is told so, and goes on. The key of its cursor is in the store.
func TestResumingClientAfterARestart(t *testing.T) {
	data := t.TempDir()
	p := start(t, "--data", data)
	p.createTenant("acme", "{}")
	p.push("acme", "m", ticking("one"))
	next := node(t, "graphql-ws", "resume.mjs", p.socketURL("acme"), `subscription { tick { n } }`, "3")
	expectLine(t, next, `{"live":true}`)
	p.ticks(1, 1)
	expectParts(t, next, `{"data":{"tick":{"n":1}},"cursor":"`)
	p.kill()
	p = start(t, "--data", data, "--listen", strings.TrimPrefix(p.url, "http://"))
	// The answer to a query of the same socket comes somewhere in between.
	after := func() string {
		line := next()
		if line == `{"live":true}` {
			return next()
		}
		return line
	}
	expectParts(t, after, `{"code":"GAP","cursor":"`)
	p.ticks(2, 2)
	expectParts(t, after, `{"data":{"tick":{"n":2}},"cursor":"`)
	expectLine(t, after, `{"complete":true}`)
}

// eventStream is a subscription over server-sent events.
type eventStream struct {
	t     testing.TB
	body  io.ReadCloser
	lines *bufio.Scanner
	id    string // of the last event
}

// follow subscribes behind an event; empty is none.
func (p *process) follow(query, lastEventID string) *eventStream {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", p.url+"/t/acme/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = response.Body.Close() })
	return &eventStream{t: p.t, body: response.Body, lines: bufio.NewScanner(response.Body)}
}

// expect reads events; the last one's id stays.
func (s *eventStream) expect(data ...string) {
	s.t.Helper()
	for _, want := range data {
		for got := ""; got != want; {
			if !s.lines.Scan() {
				s.t.Fatalf("the stream ended before %s: %v", want, s.lines.Err())
			}
			if id, ok := strings.CutPrefix(s.lines.Text(), "id: "); ok {
				s.id = id
			}
			var ok bool
			if got, ok = strings.CutPrefix(s.lines.Text(), "data: "); ok && !strings.HasPrefix(got, want) {
				s.t.Fatalf("got %s, want %s", got, want)
			} else if ok {
				break
			}
		}
	}
}

func tick(n int) string { return fmt.Sprintf(`{"data":{"tick":{"n":%d}}}`, n) }

// TestResumeOverTransportsAndVersions goes on with one cursor over both transports and under
// another version of the module, is told what was lost to retention, and begins with
// the newest event where the schema says so.
func TestResumeOverTransportsAndVersions(t *testing.T) {
	const query = `subscription { tick { n } }`
	p := start(t)
	p.createTenant("acme", `{"retentionEvents":5}`)
	p.push("acme", "m", ticking("one"))
	first := p.follow(query, "")
	p.ticks(1, 3)
	first.expect(tick(1), tick(2), tick(3))
	_ = first.body.Close()
	p.push("acme", "m", oneField("other")) // ends none that is not there
	p.push("acme", "m", ticking("two"))
	p.ticks(4, 5)
	second := p.follow(query, first.id)
	second.expect(tick(4), tick(5))
	socket := node(t, "graphql-ws", "resume.mjs", p.socketURL("acme"), query, "2", first.id)
	for _, n := range []int{4, 5} {
		line := socket()
		if line == `{"live":true}` {
			line = socket()
		}
		if !strings.HasPrefix(line, fmt.Sprintf(`{"data":{"tick":{"n":%d}},"cursor":"`, n)) {
			t.Fatal(line)
		}
	}
	_ = second.body.Close()
	p.ticks(6, 20)
	lossy := p.follow(query, second.id)
	lossy.expect(fmt.Sprintf(`{"data":null,"errors":[{"message":"events were lost between these cursors","extensions":{"code":"GAP","from":"%s","to":"`, second.id),
		tick(16), tick(17), tick(18), tick(19), tick(20))
	newest := p.follow(`subscription { last { n } }`, "")
	newest.expect(`{"data":{"last":{"n":20}}}`)
	p.ticks(21, 21)
	newest.expect(`{"data":{"last":{"n":21}}}`)
	lossy.expect(tick(21))
}

// TestEventSourceResumes has an EventSource come back by itself, after its pause of three
// seconds, and go on behind its last event.
func TestEventSourceResumes(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "m", ticking("one"))
	x := newProxy(t, p.address())
	next := node(t, httpClients, "eventsource.mjs", "http://"+x.listener.Addr().String()+"/t/acme/graphql", `subscription { tick { n } }`, "9")
	for n := 1; n <= 9; n += 3 {
		if n > 1 {
			x.cut()
			p.ticks(n, n+1)
		}
		expectLine(t, next, `{"open":true}`)
		if n == 1 {
			p.ticks(1, 2)
		}
		p.ticks(n+2, n+2)
		for i := range 3 {
			expectLine(t, next, fmt.Sprintf(`{"data":{"tick":{"n":%d}}}`, n+i))
		}
	}
}

// TestRecipeOfTheDocs holds that the docs have the client that is tested here.
func TestRecipeOfTheDocs(t *testing.T) {
	recipe, err := os.ReadFile("testdata/graphql-ws/resuming.mjs")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```js\n"+string(recipe)+"```\n") {
		t.Error("docs/events.md has another recipe than testdata/graphql-ws/resuming.mjs")
	}
}
