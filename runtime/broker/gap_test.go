package broker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
)

func TestWhatTheBusHasLost(t *testing.T) {
	bubble(t, func(t *testing.T, h *history) {
		f, plain := h.follow(`subscription { tick }`, broker.Resume{Cursors: true}), h.follow(`subscription { tick }`, broker.Resume{})
		h.ticks(1)
		var at event.Position
		page, err := h.events.Read(t.Context(), "acme", nil, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		at = page.Next
		h.broker.Lose(h.tenant, event.Gap{From: at, To: at + "5"})
		want(t, f, "1 GAP")
		want(t, plain, "1 GAP")
	})
}

// TestRetentionOvertakesANode has events deleted that a node has not read. Who has had them from another is not
// told that they are lost.
func TestRetentionOvertakesANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const query = `subscription { tick }`
		h := newHistory(t)
		events := func(after event.Position) []event.Event {
			page, err := h.events.Read(t.Context(), "acme", nil, after, 100)
			if err != nil {
				t.Fatal(err)
			}
			return page.Events
		}
		receive := func(all []event.Event) {
			for i := range all {
				h.broker.Receive(t.Context(), h.tenant, &all[i])
			}
		}
		f := h.follow(query, broker.Resume{Cursors: true})
		h.ticks(2)
		all := events(h.events.Start())
		receive(all)
		second := f.at()
		h.ticks(3)
		all = append(all, events(all[1].Position)...)
		receive(all[2:])
		fifth := f.at()

		gap := event.Gap{From: h.events.Start(), To: all[2].Position, Retention: true}
		w := h.watch() // a node that has read none of them
		w.change = func(_ int64, page event.Page, err error) (event.Page, error) {
			gone := func(e event.Event) bool { return e.Position <= gap.To }
			if slices.ContainsFunc(page.Events, gone) {
				page.Events, page.Gap = slices.DeleteFunc(page.Events, gone), &gap
			}
			return page, err
		}
		live := h.follow(query, broker.Resume{Cursors: true})
		inside, ahead := h.follow(query, broker.Resume{Cursor: second}), h.follow(query, broker.Resume{Cursor: fifth})
		h.ticks(1)
		h.broker.Lose(h.tenant, gap)
		receive(events(gap.To))
		time.Sleep(time.Second)
		want(t, live, "GAP 4 5 6")
		want(t, inside, "GAP 4 5 6")
		want(t, ahead, "6")
	})
}
