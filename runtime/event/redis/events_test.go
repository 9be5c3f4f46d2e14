package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/eventtest"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
)

// start starts a server of the test's own.
func start(t testing.TB, arguments ...string) *redistest.Server {
	t.Helper()
	server, err := redistest.Start(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// client is what a back-end uses, with the user and password of a URL.
func client(t testing.TB, address string) *goredis.Client {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	c := goredis.NewClient(&goredis.Options{Addr: u.Host, Username: u.User.Username(), Password: password, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func do(t testing.TB, c *goredis.Client, command ...any) any {
	t.Helper()
	answer, err := c.Do(context.Background(), command...).Result()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return answer
}

func prefix(t testing.TB, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("prefix")
}

func number(n int) event.Event {
	return event.Event{Channel: "x", Payload: fmt.Append(nil, n)}
}

func publish(t testing.TB, bus event.Bus, tenant string, events ...event.Event) event.Position {
	t.Helper()
	at, err := bus.Publish(t.Context(), tenant, events, eventtest.Keep)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// numbers checks that events are the numbers in order.
func numbers(t testing.TB, events []event.Event, want ...int) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, string(e.Payload))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for until := time.Now().Add(eventtest.Patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not so within %v: %s", eventtest.Patience, what)
		}
	}
}

// TestXADD has a back-end publish as docs/events.md says, well and badly.
func TestXADD(t *testing.T) {
	address := redistest.URL(t)
	bus, c := open(t, address), client(t, address)
	f := eventtest.Follow(t, bus)
	key := prefix(t, address) + ":a:events"
	do(t, c, "XADD", key, "*", "channel", "x", "payload", "0")
	at := do(t, c, "XADD", key, "*", "payload", "1", "id", "mine", "channel", "x")
	for _, bad := range [][]any{
		{"channel", "x", "payload", "{"},
		{"channel", "x y", "payload", "1"},
		{"channel", "x", "payload", "{\"a\":1,\"a\":2}"},
		{"channel", "x"},
		{"payload", "1"},
		{"data", "1"},
		{"channel", "x", "payload", "1", "ID", "y"},
		{"channel", "x", "payload", "1", "id", strings.Repeat("i", 201)},
		{"channel", "x", "payload", strings.Repeat("[", 65) + strings.Repeat("]", 65)},
		{"channel", "x", "payload", "\"\xff\""},
	} {
		do(t, c, append([]any{"XADD", key, "*"}, bad...)...)
	}
	do(t, c, "XADD", key, "*", "channel", "x", "payload", "2")
	publish(t, bus, "a", number(3))
	events := f.Wait(t, 4)
	numbers(t, events, 0, 1, 2, 3)
	if events[1].ID != "mine" || events[0].ID == "" || events[0].ID == events[2].ID {
		t.Errorf("ids %q, %q, %q", events[0].ID, events[1].ID, events[2].ID)
	}
	if ms, _, _ := strings.Cut(fmt.Sprint(at), "-"); fmt.Sprint(events[1].Time.UnixMilli()) != ms {
		t.Errorf("time %v, added at %v", events[1].Time, at)
	}
	skipped := f.Skipped()
	for i, want := range []string{"payload: ", "channel \"x y\"", "payload: ", "no field payload", "channel \"\"", "no field payload", `field "ID"`, "id of 201 bytes", "payload: ", "payload: "} {
		if i >= len(skipped) || !strings.Contains(skipped[i].Error(), want) {
			t.Fatalf("skipped %v, want %q at %d", skipped, want, i)
		}
	}
	if len(skipped) != 10 {
		t.Errorf("%d were skipped", len(skipped))
	}
	page, err := bus.Read(t.Context(), "a", nil, bus.Start(), 100)
	if err != nil || page.Gap != nil {
		t.Errorf("%v, gap %v", err, page.Gap)
	}
	numbers(t, page.Events, 0, 1, 2, 3)
	last, err := bus.ReadLast(t.Context(), "a", "x", "", 100)
	slices.Reverse(last)
	numbers(t, last, 0, 1, 2, 3)
	if err != nil {
		t.Error(err)
	}
}

// TestACL has the users of two tenants' back-ends, as docs/events.md makes them,
// try what is theirs and what is not.
func TestACL(t *testing.T) {
	server := start(t)
	bus, operator := open(t, server.URL("runnel")), client(t, server.URL("runnel"))
	f := eventtest.Follow(t, bus)
	do(t, operator, recipe(t, "acme", strings.NewReplacer("PASSWORD", "a-long-password", "runnel:acme:", "runnel:a:"))...)
	c := client(t, "redis://acme:a-long-password@"+server.Address())
	do(t, c, "XADD", "runnel:a:events", "*", "channel", "x", "payload", "0")
	_, err := c.TxPipelined(t.Context(), func(p goredis.Pipeliner) error { // a batch
		for n := 1; n <= 2; n++ {
			p.XAdd(t.Context(), &goredis.XAddArgs{Stream: "runnel:a:events", Values: []any{"channel", "x", "payload", n}})
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	numbers(t, f.Wait(t, 3), 0, 1, 2)
	for _, command := range [][]any{
		{"XADD", "runnel:b:events", "*", "channel", "x", "payload", "1"},
		{"XADD", "runnel::wake", "*", "t", "b"},
		{"XADD", "runnel:ab:events", "*", "channel", "x", "payload", "1"},
		{"XRANGE", "runnel:a:events", "-", "+"},
		{"XREAD", "STREAMS", "runnel:a:events", "0"},
		{"XTRIM", "runnel:a:events", "MAXLEN", "0"},
		{"DEL", "runnel:a:events"},
		{"GET", "runnel:b:meta"},
		{"FLUSHALL"},
		{"CONFIG", "GET", "*"},
		{"ACL", "LIST"},
	} {
		if err := c.Do(t.Context(), command...).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
			t.Errorf("%v: %v", command, err)
		}
	}
}

// TestServerACL has a bus of a user that may do no more than docs/events.md
// gives it.
func TestServerACL(t *testing.T) {
	server := start(t)
	operator := client(t, server.URL("runnel"))
	do(t, operator, recipe(t, "runnel", strings.NewReplacer("PASSWORD", "another-password"))...)
	bus := open(t, "redis://runnel:another-password@"+server.Address())
	f := eventtest.Follow(t, bus)
	publish(t, bus, "a", number(0))
	publish(t, bus, "a", number(1), event.Event{Channel: "x", ID: "i", Payload: []byte("2")})
	numbers(t, f.Wait(t, 3), 0, 1, 2)
	keep := eventtest.Keep
	keep.Events = 1
	f.Retain(keep)
	eventually(t, "retention holds", func() bool {
		page, err := bus.Read(t.Context(), "a", nil, "", 10)
		return err == nil && len(page.Events) == 1
	})
	if err := bus.Remove(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

// recipe is the command that docs/events.md has for a user.
func recipe(t *testing.T, user string, replace *strings.Replacer) (command []any) {
	t.Helper()
	page, err := os.ReadFile("../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\nACL SETUSER "+user+" ")
	if !ok {
		t.Fatalf("docs/events.md has no recipe for the user %s", user)
	}
	line, _, _ := strings.Cut(rest, "\n")
	for _, word := range strings.Fields(replace.Replace("ACL SETUSER " + user + " " + line)) {
		command = append(command, word)
	}
	return command
}

// TestWrongType: keys of one tenant hold what they should not. Others are read.
func TestWrongType(t *testing.T) {
	for _, key := range []string{"events", "meta"} {
		t.Run(key, func(t *testing.T) {
			address := redistest.URL(t)
			bus, c := open(t, address), client(t, address)
			f := eventtest.Follow(t, bus)
			publish(t, bus, "b", number(0))
			f.Wait(t, 1)
			do(t, c, "SET", prefix(t, address)+":a:"+key, "text")
			publish(t, bus, "b", number(1))
			f.Wait(t, 2)
			time.Sleep(2 * checkTime) // until it was looked at by all
			publish(t, bus, "b", number(2))
			numbers(t, f.Wait(t, 3), 0, 1, 2)
			if _, err := bus.Read(t.Context(), "a", nil, "", 1); err == nil || !strings.Contains(err.Error(), "something else") {
				t.Errorf("Read: %v", err)
			}
		})
	}
}

const checkTime = time.Second

// TestErrors has Redis refuse to work for a while.
func TestErrors(t *testing.T) {
	server := start(t)
	bus, c := open(t, server.URL("x")), client(t, server.URL("x"))
	f := eventtest.Follow(t, bus)
	id := event.Event{Channel: "x", ID: "i", Payload: []byte("1")}
	publish(t, bus, "a", number(0))
	unavailable := func(what, want string) {
		t.Helper()
		for _, events := range [][]event.Event{{number(7)}, {number(7), number(8)}, {number(7), {Channel: "x", ID: "other", Payload: []byte("8")}}} {
			_, err := bus.Publish(t.Context(), "a", events, eventtest.Keep)
			if !errors.Is(err, event.ErrUnavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), server.Password()) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	do(t, c, "CONFIG", "SET", "maxmemory", "1")
	unavailable("no memory", "no memory left")
	do(t, c, "CONFIG", "SET", "maxmemory", "0")
	do(t, c, "REPLICAOF", "127.0.0.1", "1")
	unavailable("a replica", "is a replica now")
	do(t, c, "REPLICAOF", "NO", "ONE")
	do(t, c, "CONFIG", "SET", "min-replicas-to-write", "1")
	unavailable("no replicas", "fewer replicas")
	do(t, c, "CONFIG", "SET", "min-replicas-to-write", "0")
	do(t, c, "SCRIPT", "FLUSH")
	publish(t, bus, "a", id)
	numbers(t, f.Wait(t, 2), 0, 1)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	unavailable("no server", "can't be reached")
	if _, err := bus.Read(t.Context(), "a", nil, "", 1); !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("Read: %v", err)
	}
}

// TestPasswordIsChanged: while Redis has another password than the bus, publishers are told
// to come again.
func TestPasswordIsChanged(t *testing.T) {
	server := start(t)
	operator := client(t, server.URL("x"))
	do(t, operator, "ACL", "SETUSER", "bus", "on", ">first-password", "~*", "+@all")
	bus := open(t, "redis://bus:first-password@"+server.Address())
	publish(t, bus, "a", number(0))
	do(t, operator, "ACL", "SETUSER", "bus", "<first-password", ">second-password")
	do(t, operator, "CLIENT", "KILL", "USER", "bus")
	_, err := bus.Publish(t.Context(), "a", []event.Event{number(1)}, eventtest.Keep)
	if !errors.Is(err, event.ErrUnavailable) || strings.Contains(err.Error(), "first-password") {
		t.Errorf("Publish: %v", err)
	}
	do(t, operator, "ACL", "SETUSER", "bus", ">first-password")
	publish(t, bus, "a", number(1))
}
