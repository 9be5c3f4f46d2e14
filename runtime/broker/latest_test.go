package broker_test

import (
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const latestSDL = `type Subscription {
  price: Int @on(channel: "prices", overflow: LATEST, key: "quote.0") @on(channel: "plain", key: "quote.0") @on(channel: "other", overflow: LATEST, key: "quote.0")
  any: Int @on(channel: "prices", overflow: LATEST)
}`

// backlog is a sink that keeps the keys of what it takes, the newest response of each.
type backlog struct {
	subscriber
	keys    []string
	waiting map[string]bool
}

func (b *backlog) Next(d graph.Delivery) (taken, skipped bool) {
	b.keys = append(b.keys, d.Key)
	skipped = b.waiting[d.Key]
	if d.Key != "" {
		b.waiting[d.Key] = true
	}
	return true, skipped
}

func (s *stage) followLatest(query string) *backlog {
	s.t.Helper()
	o, errs := s.open(tenant.Identity{}, query, "")
	if errs != nil {
		s.t.Fatal(errs)
	}
	b := &backlog{waiting: map[string]bool{}}
	if _, errs := o.Subscribe(b, broker.Resume{}); errs != nil {
		s.t.Fatal(errs)
	}
	return b
}

// The key of an event is the value at the path, and one for all that have none.
func TestKeysOfLatest(t *testing.T) {
	s := newStage(t)
	one := func(_ *reader, r *sandbox.Result) { output(r, "1") }
	s.activate(latestSDL, map[string]resolver{"Subscription.price": one, "Subscription.any": one})
	price, whole := s.followLatest("subscription { price }"), s.followLatest("subscription { any }")
	groups := [][]string{
		{`{"quote":["a"]}`, `{"quote":["\u0061","b"]}`, `{"quote":["a"],"more":1}`},
		{`{"quote":["A"]}`},
		{`{"quote":[1]}`, `{"quote":[1.0]}`, `{"quote":[10e-1]}`},
		{`{"quote":["1"]}`},
		{`{"quote":[true]}`},
		{`{"quote":["true"]}`},
		{`{"quote":[""]}`},
		{`{"quote":[]}`, `{}`, `1`, `null`, `{"quote":[null]}`, `{"quote":{"1":2}}`, `{"Quote":["a"]}`},
		{`{"quote":[{"a":1}]}`, `{"quote":[{"a":1},2]}`},
		{`{"quote":[{"a":2}]}`},
		{`{"quote":[["a"]]}`},
	}
	known := map[string]int{}
	for i, group := range groups {
		for _, payload := range group {
			s.publish("prices", payload)
			key := price.keys[len(price.keys)-1]
			if key == "" {
				t.Errorf("%s has no key", payload)
			}
			if of, ok := known[key]; ok && of != i {
				t.Errorf("%s has the key of %s", payload, groups[of][0])
			}
			known[key] = i
		}
	}
	if len(known) != len(groups) {
		t.Errorf("%d keys, want %d", len(known), len(groups))
	}
	s.publish("other", `{"quote":["a"]}`)
	if _, ok := known[price.keys[len(price.keys)-1]]; ok {
		t.Error("two channels have a key in common")
	}
	s.publish("plain", `{"quote":["a"]}`)
	if key := price.keys[len(price.keys)-1]; key != "" {
		t.Errorf("an event of a channel without LATEST has the key %q", key)
	}
	for _, key := range whole.keys {
		if key == "" || key != whole.keys[0] {
			t.Errorf("without a path the keys are %q", whole.keys)
			break
		}
	}
}

// What is skipped is counted as that, and not as delivered.
func TestSkippedDeliveries(t *testing.T) {
	s := newStage(t)
	one := func(_ *reader, r *sandbox.Result) { output(r, "1") }
	s.activate(latestSDL, map[string]resolver{"Subscription.price": one, "Subscription.any": one})
	s.followLatest("subscription { price }")
	for _, payload := range []string{`{"quote":[1]}`, `{"quote":[2]}`, `{"quote":[1]}`, `{"quote":[1]}`} {
		s.publish("prices", payload)
	}
	u := s.broker.Usage(s.tenant)
	if u.Deliveries != 2 || u.SkippedDeliveries != 2 || u.DeliveredBytes != 2*uint64(len(`{"data":{"price":1}}`)) {
		t.Errorf("%+v", u)
	}
	if list, _ := s.broker.Subscriptions(s.tenant, 0, 10); list[0].Delivered != 2 || list[0].Dropped != 2 {
		t.Errorf("%+v", list)
	}
}

// The word of a quarantine stands for no event, and is not skipped; the errors before it are
// what came of events.
func TestQuarantineOfLatest(t *testing.T) {
	s := newStage(t)
	s.activate(latestSDL, map[string]resolver{"Subscription.price": trap, "Subscription.any": trap})
	b := s.followLatest("subscription { any }")
	for range 25 {
		s.publish("prices", `{}`)
	}
	if n := s.broker.Usage(s.tenant).Errors[abi.CodeModuleQuarantined]; n != 1 || len(b.keys) != 21 {
		t.Fatalf("%d told of the quarantine, %d responses", n, len(b.keys))
	}
	for i, key := range b.keys {
		if (key == "") != (i == 20) {
			t.Errorf("response %d has the key %q", i, key)
		}
	}
}
