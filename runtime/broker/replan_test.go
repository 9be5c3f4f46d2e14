package broker_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const (
	beforeSDL = `type T { n: Int! old: Int } type Subscription { f(above: Int): T @on(channel: "c") }`
	afterSDL  = `type T { n: Int! new: Int } type Subscription { f(above: Int): T @on(channel: "c") }`
)

func numbered() map[string]resolver {
	return map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) { output(r, `{"n":%s,"old":0,"new":0}`, g.event()) }}
}

// TestActivateUnderAThousandSubscriptions activates a version while events flow:
// those who are valid under it miss none and get none twice, the others are told
// why they are not, and three operations are planned three times.
func TestActivateUnderAThousandSubscriptions(t *testing.T) {
	s := newStage(t)
	_, first := s.activate(beforeSDL, numbered())
	operations := []struct{ query, variables string }{
		{"subscription { f { n } }", ""},
		{"subscription($above: Int) { f(above: $above) { n __typename } }", `{"above":%d}`},
		{"subscription { f { n old } }", ""},
	}
	subs := make([]*subscriber, 1000)
	for i := range subs {
		o := operations[i%len(operations)]
		variables := o.variables
		if variables != "" {
			variables = fmt.Sprintf(variables, i)
		}
		subs[i] = s.subscribe(tenant.Identity{}, o.query, variables)
	}
	if n := broker.PlansMade(first); n != len(operations) {
		t.Errorf("%d plans for %d operations", n, len(operations))
	}
	begun, activated, published := make(chan struct{}), make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for over := false; !over || n < 3; n++ {
			select {
			case <-activated:
				over = true // one event more
			default:
			}
			s.publish("c", fmt.Sprint(n))
			if n == 2 {
				close(begun)
			}
		}
		published <- n
	}()
	<-begun
	m, second := s.activate(afterSDL, numbered())
	close(activated)
	total := <-published
	if n := broker.PlansMade(second); n != len(operations) {
		t.Errorf("%d plans for %d operations under the new version", n, len(operations))
	}
	for i, sub := range subs {
		got := sub.take()
		if i%3 == 2 {
			last := len(got) - 1
			if last < 0 || !strings.HasPrefix(got[last], "error ") || !strings.Contains(got[last], `"old"`) {
				t.Fatalf("subscriber %d got %q", i, got)
			}
			got = got[:last]
		} else if len(got) != total {
			t.Fatalf("subscriber %d got %d of %d events", i, len(got), total)
		}
		for n, message := range got {
			if !strings.Contains(message, fmt.Sprintf(`"n":%d`, n)) {
				t.Fatalf("subscriber %d got %s as event %d", i, message, n)
			}
		}
	}
	m.count()
	s.publish("c", "7")
	if n := m.count(); n != 1 {
		t.Errorf("%d runs for subscribers who agree on everything", n)
	}
	for i, sub := range subs {
		if got := sub.take(); len(got) != 1-i%3/2 {
			t.Fatalf("subscriber %d got %q", i, got)
		}
		sub.Close()
	}
	if live, members := s.broker.LiveMembers(); live != 0 || members != 0 {
		t.Errorf("%d subscriptions, %d entries are left", live, members)
	}
}

// TestEqualResponsesAfterAnActivation holds that subscriptions share projections
// under a new version, those from before it and those after.
func TestEqualResponsesAfterAnActivation(t *testing.T) {
	s := newStage(t)
	s.activate(beforeSDL, numbered())
	subscribe := func() *keeper {
		o, errs := s.open(tenant.Identity{}, "subscription($x: Int) { f(above: $x) { n } }", `{"x":1}`)
		if errs != nil {
			t.Fatal(errs)
		}
		k := &keeper{}
		if _, errs := o.Subscribe(k, broker.Resume{}); errs != nil {
			t.Fatal(errs)
		}
		return k
	}
	keepers := []*keeper{subscribe(), subscribe()}
	s.activate(afterSDL, numbered())
	keepers = append(keepers, subscribe())
	s.publish("c", "1")
	for _, k := range keepers[1:] {
		if &k.response[0] != &keepers[0].response[0] {
			t.Error("equal operations were projected twice")
		}
	}
}

// TestActivateAmongComingAndGoing has subscribers come and go while versions
// follow each other. At the end each who stayed gets an event once, whatever
// versions there were, and the index holds nobody else.
func TestActivateAmongComingAndGoing(t *testing.T) {
	s := newStage(t)
	s.activate(beforeSDL, numbered())
	var mu sync.Mutex
	var stayed []*subscriber
	var guests sync.WaitGroup
	stop := make(chan struct{})
	for seed := range uint64(4) {
		guests.Go(func() {
			r := rand.New(rand.NewPCG(seed, 5))
			var own []*subscriber
			for over := false; !over; {
				select {
				case <-stop:
					over = true
				default:
				}
				if len(own) > 50 || len(own) > 0 && r.IntN(3) == 0 {
					i := r.IntN(len(own))
					own[i].Close()
					own = slices.Delete(own, i, i+1)
					continue
				}
				query := []string{"subscription { f { n } }", "subscription { f { n old } }", "subscription { f { n new } }"}[r.IntN(3)]
				o, errs := s.open(tenant.Identity{}, query, "")
				if errs != nil {
					continue // not valid under the version of the moment
				}
				sub := &subscriber{}
				if sub.Subscription, errs = o.Subscribe(sub, broker.Resume{}); errs == nil {
					own = append(own, sub)
				}
			}
			mu.Lock()
			stayed = append(stayed, own...)
			mu.Unlock()
		})
	}
	for range 30 {
		s.activate(afterSDL, numbered())
		s.activate(beforeSDL, numbered())
	}
	close(stop)
	guests.Wait()
	s.activate(afterSDL, numbered())
	want := 0
	for _, sub := range stayed {
		got := sub.take()
		if len(got) > 1 || len(got) == 1 && !strings.HasPrefix(got[0], "error ") {
			t.Fatalf("got %q without an event", got)
		}
		if len(got) == 0 {
			want++
		} else {
			sub.got = got
		}
	}
	if live, members := s.broker.LiveMembers(); live != want || members != want {
		t.Errorf("%d subscriptions, %d entries, want %d", live, members, want)
	}
	s.publish("c", "1")
	for _, sub := range stayed {
		if got := sub.take(); len(got) != 1 {
			t.Fatalf("got %q of one event or error", got)
		}
	}
}

// BenchmarkActivate activates versions under 100,000 subscriptions to three
// operations while events flow for nobody, and reports how long the slowest of
// those took beside the time of the whole activation.
func BenchmarkActivate(b *testing.B) {
	s := newStage(b)
	s.activate(beforeSDL, numbered())
	for n := range 100_000 {
		query := []string{"subscription { f { n } }", "subscription($x: Int) { f(above: $x) { n } }", "subscription { f { n __typename } }"}[n%3]
		variables := ""
		if n%3 == 1 {
			variables = fmt.Sprintf(`{"x":%d}`, n)
		}
		s.subscribe(tenant.Identity{}, query, variables)
	}
	slowest := s.slowestEvent(b, func() {
		for b.Loop() {
			s.activate(afterSDL, numbered())
		}
	})
	b.ReportMetric(float64(slowest)/float64(time.Millisecond), "slowest-event-ms")
}

// slowestEvent publishes events for nobody while work is done, and returns how
// long the slowest of them took.
func (s *stage) slowestEvent(b *testing.B, work func()) (slowest time.Duration) {
	b.Helper()
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			start := time.Now()
			s.publish("elsewhere", "1")
			slowest = max(slowest, time.Since(start))
			time.Sleep(100 * time.Microsecond)
		}
	}()
	work()
	close(stop)
	<-ended
	return slowest
}
