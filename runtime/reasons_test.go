package runtime_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// reasonsModule has a field for each way in which a resolver ends or fails, and one more
// with what is said of it.
func reasonsModule(more string) []byte {
	g := sandboxtest.New(`
		type Query { a: Int }
		type Subscription {
			echo: String @on(channel: "echo")
			last: Int @on(channel: "last")
			fails: Int @on(channel: "fails")
			` + more + `
		}`)
	g.Resolver("Query.a", g.Output("1")).Resolver("Subscription.echo", g.Echo(abi.InputEvent)).
		Resolver("Subscription.last", sandboxtest.Verdict(abi.Complete)).Resolver("Subscription.fails", sandboxtest.Trap())
	if more != "" {
		g.Resolver("Subscription.more", g.Output("1"))
	}
	return g.Bytes()
}

// reasoned is a sample of one of the metrics that count by reason.
var reasoned = regexp.MustCompile(`(?m)^runnel_(disconnects|subscriptions_ended|drops|unfinished_events)_total\{reason="(\w+)"\} (\d+)$`)

// reasons reads the metrics that count by reason, with their names cut short.
func (s *guarded) reasons() (counts map[string]int, deliveries int) {
	s.Helper()
	status, _, text := s.request("GET", "/metrics", "", "Authorization", "Bearer "+adminToken)
	if status != http.StatusOK {
		s.Fatalf("%d %s", status, text)
	}
	counts = map[string]int{}
	for _, m := range reasoned.FindAllStringSubmatch(text, -1) {
		counts[m[1]+" "+m[2]], _ = strconv.Atoi(m[3])
	}
	_, rest, _ := strings.Cut(text, "\nrunnel_deliveries_total ")
	number, _, _ := strings.Cut(rest, "\n")
	deliveries, err := strconv.Atoi(number)
	if err != nil {
		s.Fatal(err)
	}
	return counts, deliveries
}

// counts holds that something is counted for these reasons, and for no others.
func (s *guarded) counts(want map[string]int, act func()) {
	s.Helper()
	before, _ := s.reasons()
	act()
	var rise map[string]int
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		now, _ := s.reasons()
		rise = map[string]int{}
		for reason, n := range now {
			if n != before[reason] {
				rise[reason] = n - before[reason]
			}
		}
		if maps.Equal(rise, want) {
			return
		}
	}
	s.Errorf("counted %v, want %v", rise, want)
}

func (s *guarded) publishOn(channel, payload string) {
	s.Helper()
	for {
		_, err := s.Publish(s.Context(), "acme", event.Event{Channel: channel, Payload: []byte(payload)})
		if err == nil {
			return
		}
		if !errors.Is(err, event.ErrFull) {
			s.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// readRest reads to the end of the connection, or a message that holds the part. It returns
// how many responses came.
func (s burningSocket) readRest(part string) (nexts int) {
	s.Helper()
	for {
		_, text, err := s.ReadMessage()
		switch {
		case err != nil || part != "" && strings.Contains(string(text), part):
			return nexts
		case strings.Contains(string(text[:min(len(text), 40)]), `"next"`):
			nexts++
		}
	}
}

// TestReasons ends connections and subscriptions in every way that takes no time-out, and
// drops events in every way, over real sockets.
func TestReasons(t *testing.T) {
	s := newGuarded(t, byHS256)
	push := func(more string) {
		t.Helper()
		if err := s.Push(t.Context(), "acme", "m", reasonsModule(more)); err != nil {
			t.Fatal(err)
		}
	}
	limit := func(limits string) {
		t.Helper()
		s.admin(200, "PATCH", "/v1/tenants/acme", `{"limits":`+limits+`}`)
	}
	var sockets []burningSocket
	live := func(field string) burningSocket { // a socket with a subscription
		t.Helper()
		socket := s.join(hs256(time.Hour, `"sub":"u1"`))
		sockets = append(sockets, socket)
		socket.subscribe("1", field)
		socket.ping()
		return socket
	}
	push("more: Int @on(channel: \"more\")")
	limit(`{"eventsPerSecond":100000}`)

	s.counts(map[string]int{"subscriptions_ended client_complete": 1}, func() { live("echo").send(`{"type":"complete","id":"1"}`) })
	s.counts(map[string]int{"subscriptions_ended client": 1, "disconnects client": 1}, func() { _ = live("echo").Close() })
	s.counts(map[string]int{"subscriptions_ended resolver_complete": 2, "disconnects completed": 1}, func() {
		stream, err := http.NewRequest("POST", s.url+"/t/acme/graphql", strings.NewReader(`{"query":"subscription { last }"}`))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + hs256(time.Hour, `"sub":"u2"`)} {
			stream.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(stream)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		socket := live("last")
		s.publishOn("last", "1")
		socket.expect(`"complete"`)
	})
	s.counts(map[string]int{"subscriptions_ended permission": 1}, func() {
		socket := live("more")
		push("more: Int @on(channel: \"more\") @requires(permission: \"see\")")
		socket.expect(`FORBIDDEN`)
	})
	push("more: Int @on(channel: \"more\")")
	s.counts(map[string]int{"subscriptions_ended schema": 1}, func() {
		socket := live("more")
		push("")
		socket.expect(`GRAPHQL_VALIDATION_FAILED`)
	})
	s.counts(map[string]int{"subscriptions_ended query_limit": 1}, func() {
		socket := live("echo" + strings.Repeat(" ", 1024))
		limit(`{"queryBytes":1024}`)
		push("more: Int @on(channel: \"more\")")
		socket.expect(`LIMIT_EXCEEDED`)
	})
	limit(`{"queryBytes":65536}`)
	s.counts(map[string]int{"subscriptions_ended operator": 1}, func() {
		socket := live("more")
		_, _, text := s.request("GET", "/v1/tenants/acme/subscriptions", "", "Authorization", "Bearer "+adminToken)
		var list struct{ Subscriptions []struct{ ID, Field string } }
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		for _, one := range list.Subscriptions {
			if one.Field == "more" {
				s.admin(204, "DELETE", "/v1/tenants/acme/subscriptions/"+one.ID, "")
			}
		}
		socket.expect(`FORBIDDEN`)
	})

	t.Run("quarantine", func(*testing.T) {
		socket := live("fails")
		s.counts(map[string]int{"drops quarantine": 3}, func() {
			const failures = 20
			for range failures + 3 {
				s.publishOn("fails", "1")
			}
			for range failures {
				socket.expect(`RESOLVER_TRAP`)
			}
			socket.expect(`MODULE_QUARANTINED`)
		})
	})

	// Whoever does not read has the kernel's buffers filled, and then the queue.
	large := `"` + strings.Repeat("x", 20_000) + `"`
	stall := func(most int) (socket burningSocket, deliveries func() int) {
		t.Helper()
		limit(`{"queueBytes":16777216}`)
		socket = live("echo")
		_, before := s.reasons()
		deliveries = func() int { _, now := s.reasons(); return now - before }
		for range most {
			s.publishOn("echo", large)
		}
		for end := time.Now().Add(time.Minute); deliveries() < most && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		return socket, deliveries
	}
	const most = 750 // of which the kernel takes up to 10 MB, and the queue holds the rest
	drops := func(reason string, ends map[string]int, last string, act func(burningSocket)) {
		t.Helper()
		socket, deliveries := stall(most)
		before, _ := s.reasons()
		nexts := 0
		s.counts(ends, func() {
			act(socket)
			over := "subscriptions_ended " + reason
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if now, _ := s.reasons(); now[over] > before[over] { // nothing was read until then
					break
				}
			}
			nexts = socket.readRest(last)
			// The drops are held against what came, below.
			for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
				now, _ := s.reasons()
				if ends["drops "+reason] = now["drops "+reason] - before["drops "+reason]; ends["drops "+reason] > 0 {
					return
				}
			}
		})
		dropped := ends["drops "+reason]
		made := deliveries()
		if reason == "slow_consumer" {
			made++ // the one that did not fit
		}
		if dropped == 0 || dropped+nexts != made {
			t.Errorf("%s: of %d responses %d came and %d were dropped", reason, made, nexts, dropped)
		}
	}
	drops("client_complete", map[string]int{"subscriptions_ended client_complete": 1}, `"pong"`, func(socket burningSocket) {
		socket.send(`{"type":"complete","id":"1"}`)
		socket.send(`{"type":"ping"}`)
	})
	drops("client", map[string]int{"subscriptions_ended client": 1, "disconnects client": 1}, "", func(socket burningSocket) {
		_ = socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
	})
	drops("slow_consumer", map[string]int{"subscriptions_ended slow_consumer": 1, "disconnects slow_consumer": 1}, "", func(socket burningSocket) {
		limit(`{"queueBytes":65536}`)
		s.publishOn("echo", large)
	})
	limit(`{"queueBytes":1048576}`)

	s.counts(map[string]int{"disconnects refused": 1}, func() {
		s.connect(`{"Authorization":"Bearer bad"}`).expectClose(4403, "Forbidden")
	})
	s.counts(map[string]int{"disconnects protocol": 1, "subscriptions_ended protocol": 1}, func() {
		socket := live("echo")
		socket.send("no JSON")
		socket.drain()
	})
	limit(`{"messageBytes":1024}`)
	s.counts(map[string]int{"disconnects message_too_big": 1, "subscriptions_ended message_too_big": 1}, func() {
		socket := live("echo")
		socket.send(strings.Repeat("x", 1025))
		socket.drain()
	})
	limit(`{"connectionsPerSubscriber":1}`)
	s.counts(map[string]int{"disconnects limit": 1}, func() {
		sockets = append(sockets, s.join(hs256(time.Hour, `"sub":"twice"`)))
		s.connect(`{"Authorization":"Bearer ` + hs256(time.Hour, `"sub":"twice"`) + `"}`).drain()
	})
	limit(`{"connectionsPerSubscriber":100}`)
	s.counts(map[string]int{"disconnects expired": 1, "subscriptions_ended expired": 1}, func() {
		socket := s.join(hs256(2*time.Second, `"sub":"brief"`))
		socket.subscribe("1", "echo")
		socket.drain()
	})
	s.counts(map[string]int{"disconnects revoked": 1, "subscriptions_ended revoked": 1}, func() {
		socket := s.join(hs256(time.Hour, `"sub":"u3","jti":"t3"`))
		socket.subscribe("1", "echo")
		socket.ping()
		s.admin(204, "POST", "/v1/tenants/acme/revocations", `{"jti":"t3"}`)
		socket.drain()
	})
	if err := errors.Join(s.CreateTenant(t.Context(), "other", nil), s.Push(t.Context(), "other", "m", reasonsModule(""))); err != nil {
		t.Fatal(err)
	}
	s.admin(200, "PUT", "/v1/tenants/other/auth", byHS256)
	other := func() burningSocket {
		socket := s.joinTenant("other", hs256(time.Hour, `"sub":"u1"`))
		socket.subscribe("1", "echo")
		socket.ping()
		return socket
	}
	s.counts(map[string]int{"disconnects auth_changed": 1, "subscriptions_ended auth_changed": 1}, func() {
		socket := other()
		s.admin(200, "PUT", "/v1/tenants/other/auth", strings.Replace(byHS256, `Seconds":0`, `Seconds":1`, 1))
		socket.drain()
	})
	s.counts(map[string]int{"disconnects tenant_deleted": 1, "subscriptions_ended tenant_deleted": 1}, func() {
		socket := other()
		s.admin(204, "DELETE", "/v1/tenants/other", "")
		socket.drain()
	})

	counts, _ := s.reasons()
	live("echo")
	for _, socket := range sockets {
		go socket.drain() // and answer the server's close frame
	}
	left, subscriptions := s.gauge(`runnel_connections{kind="websocket"}`), s.gauge("runnel_subscriptions")
	s.counts(map[string]int{"disconnects shutdown": left, "subscriptions_ended shutdown": subscriptions}, func() {
		go func() { _ = s.Drain(t.Context()) }()
	})

	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for reason := range counts {
		_, label, _ := strings.Cut(reason, " ")
		if !strings.Contains(string(page), fmt.Sprintf("`%s`", label)) {
			t.Errorf("docs/operations.md does not tell of %s", reason)
		}
	}
}

// gauge reads a metric, all of its name and labels.
func (s *guarded) gauge(name string) (n int) {
	s.Helper()
	_, _, text := s.request("GET", "/metrics", "", "Authorization", "Bearer "+adminToken)
	_, rest, _ := strings.Cut(text, "\n"+name+" ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		s.Fatal(err)
	}
	return n
}
