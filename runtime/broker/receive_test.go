package broker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestReceiveTellsWhetherAllHaveIt ends the context at all moments of an event.
func TestReceiveTellsWhetherAllHaveIt(t *testing.T) {
	for name, c := range map[string]struct {
		query  string
		before bool   // the context has ended when the event comes
		in     string // the resolver in which it ends
		all    bool
		got    int // responses
	}{
		"it goes on":                           {"subscription { f }", false, "", true, 1},
		"it ends in a run":                     {"subscription { f }", false, "Subscription.f", false, 0},
		"it ended before":                      {"subscription { f }", true, "", false, 0},
		"it ended before what nobody asks for": {"subscription { other }", true, "", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			number := func(of string) resolver {
				return func(g *reader, r *sandbox.Result) {
					if c.in == of {
						cancel()
					}
					output(r, "%s", g.event())
				}
			}
			s.activate(`type Subscription { f: Int @on(channel: "c") other: Int @on(channel: "d") }`,
				map[string]resolver{"Subscription.f": number("Subscription.f"), "Subscription.other": number("Subscription.other")})
			sub := s.subscribe(tenant.Identity{}, c.query, "")
			if c.before {
				cancel()
			}
			all := s.broker.Receive(ctx, s.tenant, &event.Event{Tenant: s.tenant.ID(), Channel: "c", ID: "e", Payload: []byte("1")})
			if got := sub.take(); all != c.all || len(got) != c.got {
				t.Errorf("all: %t, the subscriber got %q", all, got)
			}
		})
	}
}

// TestReceiveTellsOfEachField ends the context where one field has its event and another has not.
func TestReceiveTellsOfEachField(t *testing.T) {
	for _, cut := range []bool{false, true} {
		s := newStage(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		s.activate(`type Subscription { a: Int @on(channel: "c") b: Int @on(channel: "c") }`, map[string]resolver{
			"Subscription.a": func(_ *reader, r *sandbox.Result) { output(r, "1"); close(done) },
			"Subscription.b": func(_ *reader, r *sandbox.Result) {
				<-done
				if cut {
					cancel()
				}
				output(r, "1")
			},
		})
		s.subscribe(tenant.Identity{}, "subscription { a }", "")
		s.subscribe(tenant.Identity{}, "subscription { b }", "")
		if all := s.broker.Receive(ctx, s.tenant, &event.Event{Tenant: s.tenant.ID(), Channel: "c", ID: "e", Payload: []byte("1")}); all == cut {
			t.Errorf("cut: %t, all have it: %t", cut, all)
		}
		cancel()
	}
}

// TestWhoHasLeftSpendsNoReplays has a subscriber come back far behind, and leave, where one past
// event is read in a second: another one's replay does not wait for his.
func TestWhoHasLeftSpendsNoReplays(t *testing.T) {
	for _, query := range []string{"subscription { tick }", "subscription { last(even: true) }"} {
		bubble(t, func(t *testing.T, h *history) {
			h.limit(func(l *tenant.Limits) { l.ReplayEventsPerSecond = 1 })
			odd := func(n int) { // which a search for an even one passes
				for range n {
					h.tick("ticks")
					h.n++
				}
				synctest.Wait()
			}
			far := h.follow("subscription { tick }", broker.Resume{Cursors: true})
			far.Close()
			odd(98)
			near := h.follow("subscription { tick }", broker.Resume{Cursors: true})
			near.Close()
			odd(2)
			resume := broker.Resume{Cursor: far.at()}
			if query != "subscription { tick }" {
				resume = broker.Resume{}
			}
			leaves := h.follow(query, resume)
			time.Sleep(3500 * time.Millisecond)
			leaves.Close()
			near = h.resume(near, "subscription { tick }")
			time.Sleep(4 * time.Second)
			want(t, near, "197 199")
		})
	}
}
