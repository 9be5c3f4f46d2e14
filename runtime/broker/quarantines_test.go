package broker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

func trap(_ *reader, r *sandbox.Result) {
	r.Fault = &sandbox.Fault{Code: abi.CodeResolverTrap, Message: "unreachable"}
}

// wants checks what a subscriber got: how many responses, and a part of each.
func (s *subscriber) wants(t *testing.T, n int, part string) {
	t.Helper()
	got := s.take()
	if len(got) != n {
		t.Fatalf("got %d, want %d: %.300q", len(got), n, got)
	}
	for _, one := range got {
		if !strings.Contains(one, part) {
			t.Fatalf("got %s, want %s in it", one, part)
		}
	}
}

// logged checks and forgets the lines of the module's log, but for those of
// faults.
func (m *module) logged(t *testing.T, parts ...string) {
	t.Helper()
	m.mu.Lock()
	lines := slices.DeleteFunc(m.lines, func(l sandbox.Line) bool { return l.Incident != "" })
	m.lines = nil
	m.mu.Unlock()
	if len(lines) != len(parts) {
		t.Fatalf("%d lines, want %d: %+v", len(lines), len(parts), lines)
	}
	for i, part := range parts {
		if !strings.Contains(lines[i].Message, part) {
			t.Fatalf("the line is %q, want %q in it", lines[i].Message, part)
		}
	}
}

func (s *stage) publishMany(n int) {
	for range n {
		s.publish("c", "1")
	}
}

const quarantineSDL = `type Subscription { f(a: Int): Int @on(channel: "c") g: Int @on(channel: "c") }`

func TestQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		works := false
		m, _ := s.activate(quarantineSDL, map[string]resolver{
			"Subscription.f": func(g *reader, r *sandbox.Result) {
				g.argument("a")
				if works {
					output(r, "7")
				} else {
					trap(g, r)
				}
			},
			"Subscription.g": func(_ *reader, r *sandbox.Result) { output(r, "1") },
		})
		m.digest = "sha256:d"
		const query = `subscription($a: Int) { n: f(a: $a) }`
		first, second, healthy := s.subscribe(tenant.Identity{}, query, ""), s.subscribe(tenant.Identity{}, query, `{"a":1}`), s.subscribe(tenant.Identity{}, `subscription { g }`, "")
		s.publishMany(20)
		first.wants(t, 20, "RESOLVER_TRAP")
		second.wants(t, 20, "RESOLVER_TRAP")
		healthy.wants(t, 20, `{"data":{"g":1}}`)
		m.logged(t, "the quarantine of Subscription.f begins: 20 events in a row have failed, the last with RESOLVER_TRAP; the next is tried in 5s")
		began := time.Now()
		m.took()

		time.Sleep(1500 * time.Millisecond)
		s.publishMany(3)
		const told = `{"errors":[{"message":"the resolver is in quarantine: its last events have all failed, and further ones are not run",` +
			`"locations":[{"line":1,"column":25}],"path":["n"],"extensions":{"code":"MODULE_QUARANTINED","retryAfterMs":%d}}],"data":{"n":null}}`
		first.wants(t, 1, fmt.Sprintf(told, 3500))
		second.wants(t, 1, fmt.Sprintf(told, 3500))
		healthy.wants(t, 3, `{"data":{"g":1}}`)
		if ran := m.took(); !slices.Equal(ran, []string{"Subscription.g", "Subscription.g", "Subscription.g"}) {
			t.Errorf("%q ran", ran)
		}
		want := broker.Quarantined{Module: "m", Resolver: "Subscription.f", Digest: "sha256:d", Failures: 20, Skipped: 3, Until: began.Add(5 * time.Second).UTC(), Pause: 5 * time.Second}
		if got := s.broker.Quarantined(s.tenant); !slices.Equal(got, []broker.Quarantined{want}) {
			t.Errorf("%+v, want %+v", got, want)
		}

		// Whoever comes meanwhile is told, too.
		third := s.subscribe(tenant.Identity{}, query, "")
		s.publish("c", "1")
		third.wants(t, 1, fmt.Sprintf(told, 3500))
		fourth := s.subscribe(tenant.Identity{}, query, "")

		// A probe that fails is no answer either.
		pause := 5 * time.Second
		for probes := 1; probes <= 9; probes++ {
			time.Sleep(pause)
			m.took()
			s.publish("c", "1")
			next := min(2*pause, 5*time.Minute)
			m.logged(t, fmt.Sprintf("the quarantine of Subscription.f goes on: it failed with RESOLVER_TRAP once more; the next event is tried in %s", next))
			if probes == 1 {
				fourth.wants(t, 1, fmt.Sprintf(told, 10_000))
				if runs := m.count(); runs != 3 { // with and without an argument, and g's
					t.Errorf("%d runs for the probe", runs)
				}
			}
			pause = next
			time.Sleep(pause - time.Millisecond)
			s.publish("c", "1")
			time.Sleep(time.Millisecond - pause)
			for _, sub := range []*subscriber{first, second, third, fourth} {
				sub.wants(t, 0, "")
			}
		}
		works = true
		time.Sleep(5 * time.Minute)
		s.publish("c", "1")
		m.logged(t, "the quarantine of Subscription.f ends: it works again")
		for _, sub := range []*subscriber{first, second, third, fourth} {
			sub.wants(t, 1, `{"data":{"n":7}}`)
		}
		if got := s.broker.Quarantined(s.tenant); len(got) != 0 {
			t.Errorf("still %+v", got)
		}

		// The next quarantine is another one.
		works = false
		s.publishMany(21)
		if got := first.take(); len(got) != 21 || !strings.Contains(got[20], "MODULE_QUARANTINED") || !strings.Contains(got[19], "RESOLVER_TRAP") {
			t.Errorf("got %q", got[19:])
		}
	})
}

// TestWhatCountsForQuarantine has 19 events of which each run fails, then one that
// ends in some way, and then one more that fails.
func TestWhatCountsForQuarantine(t *testing.T) {
	fault := func(code abi.Code) resolver {
		return func(_ *reader, r *sandbox.Result) { r.Fault = &sandbox.Fault{Code: code, Message: "no"} }
	}
	put := func(text string) resolver { return func(_ *reader, r *sandbox.Result) { output(r, "%s", text) } }
	for name, c := range map[string]struct {
		twentieth resolver
		begins    int // the event after which the resolver is in quarantine; 0 is none
	}{
		"trap":            {trap, 20},
		"no fuel":         {fault(abi.CodeFuelExhausted), 20},
		"no memory":       {fault(abi.CodeMemoryLimit), 20},
		"over a limit":    {fault(abi.CodeLimitExceeded), 20},
		"bad verdict":     {fault(abi.CodeBadOutput), 20},
		"the host":        {fault(abi.CodeInternal), 21},
		"no JSON":         {put("{"), 20},
		"a wrong type":    {put(`"x"`), 20},
		"a wrong element": {put(`[{"n":"x"}]`), 0},
		"too many":        {put("[" + strings.Repeat("null,", 10_000) + "null]"), 20},
		"output":          {put(`[]`), 0},
		"nothing":         {put(`null`), 0},
		"skip":            {func(_ *reader, r *sandbox.Result) { r.Verdict = abi.Skip }, 0},
		"its own error":   {func(_ *reader, r *sandbox.Result) { r.Verdict = abi.Failed }, 0},
		"one of two works": {func(g *reader, r *sandbox.Result) {
			if g.argument("a") == "1" {
				trap(g, r)
			} else {
				output(r, "[]")
			}
		}, 0},
		"one of two and the host": {func(g *reader, r *sandbox.Result) {
			if g.argument("a") == "1" {
				trap(g, r)
			} else {
				fault(abi.CodeInternal)(g, r)
			}
		}, 21},
		"one of two and a bug": {func(g *reader, r *sandbox.Result) {
			if g.argument("a") != "1" {
				panic("of the host")
			}
			trap(g, r)
		}, 21},
		"the field below": {put(`[{"n":1,"below":true}]`), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				event := 0
				s.activate(`type T { n: Int below: Int } type Subscription { f(a: Int): [T] @on(channel: "c") }`, map[string]resolver{
					"Subscription.f": func(g *reader, r *sandbox.Result) {
						if event == 20 {
							c.twentieth(g, r)
						} else {
							trap(g, r)
						}
					},
					"T.below": trap,
				})
				s.subscribe(tenant.Identity{}, `subscription { f(a: 1) { n below } }`, "")
				s.subscribe(tenant.Identity{}, `subscription { f(a: 2) { n below } }`, "")
				begins := 0
				for event = 1; event <= 21; event++ {
					s.publish("c", "1")
					if begins == 0 && len(s.broker.Quarantined(s.tenant)) == 1 {
						begins = event
					}
				}
				if begins != c.begins {
					t.Errorf("in quarantine after event %d, want %d", begins, c.begins)
				}
			})
		})
	}
}

// TestAProbeAnswersWhereItWorks has a resolver that works again for some alone:
// the others get their errors.
func TestAProbeAnswersWhereItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		works := false
		m, _ := s.activate(quarantineSDL, map[string]resolver{"Subscription.g": trap, "Subscription.f": func(g *reader, r *sandbox.Result) {
			if g.argument("a") == "1" && works {
				output(r, "1")
			} else {
				trap(g, r)
			}
		}})
		broken, fine := s.subscribe(tenant.Identity{}, `subscription { f(a: 2) }`, ""), s.subscribe(tenant.Identity{}, `subscription { f(a: 1) }`, "")
		s.publishMany(21)
		broken.take()
		fine.take()
		works = true
		time.Sleep(5 * time.Second)
		m.count()
		s.publish("c", "1")
		broken.wants(t, 1, "RESOLVER_TRAP")
		fine.wants(t, 1, `{"data":{"f":1}}`)
		if n := m.count(); n != 2 {
			t.Errorf("%d runs for two groups", n)
		}
	})
}

// TestAProbeThatNobodyConcludes ends in ways that say nothing of the resolver: the
// next event is tried.
func TestAProbeThatNobodyConcludes(t *testing.T) {
	for name, end := range map[string]func(cancel func(), r *sandbox.Result){
		"a bug":            func(func(), *sandbox.Result) { panic("of the host") },
		"the host":         func(_ func(), r *sandbox.Result) { r.Fault = &sandbox.Fault{Code: abi.CodeInternal} },
		"the server's end": func(cancel func(), r *sandbox.Result) { cancel(); trap(nil, r) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				ctx, cancel := context.WithCancel(t.Context())
				works := resolver(trap)
				m, _ := s.activate(quarantineSDL, map[string]resolver{"Subscription.g": trap, "Subscription.f": func(g *reader, r *sandbox.Result) { works(g, r) }})
				sub := s.subscribe(tenant.Identity{}, `subscription { f }`, "")
				s.publishMany(20)
				time.Sleep(5 * time.Second)
				works = func(_ *reader, r *sandbox.Result) { end(cancel, r) }
				s.broker.Receive(ctx, s.tenant, &event.Event{Tenant: s.tenant.ID(), Channel: "c", ID: "e", Payload: []byte("1")})
				if got := s.broker.Quarantined(s.tenant); len(got) != 1 || got[0].Failures != 20 || got[0].Pause != 5*time.Second {
					t.Errorf("%+v", got)
				}
				works = func(_ *reader, r *sandbox.Result) { output(r, "1") }
				sub.take()
				m.count()
				s.publish("c", "1")
				sub.wants(t, 1, `{"data":{"f":1}}`)
			})
		})
	}
}

// version composes modules of one tenant.
func version(t *testing.T, modules map[string]*module, sdl map[string]string) *broker.Version {
	t.Helper()
	v := &broker.Version{Runners: map[string]broker.Runner{}}
	var sources []graph.Source
	for name, m := range modules {
		var resolvers []string
		for resolver := range m.resolvers {
			resolvers = append(resolvers, resolver)
		}
		sources = append(sources, graph.Source{Module: name, SDL: sdl[name], Resolvers: resolvers})
		v.Runners[name] = m
	}
	var err error
	if v.Schema, err = graph.Compose(sources, graph.ComposeLimits{}); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestANewVersionEndsQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		sdl := map[string]string{"a": `type Subscription { f: Int @on(channel: "c") }`, "b": `extend type Subscription { g: Int @on(channel: "c") }`}
		hold := make(chan struct{})
		waiting := false
		bad := &module{resolvers: map[string]resolver{"Subscription.f": func(g *reader, r *sandbox.Result) {
			if waiting {
				<-hold
			}
			trap(g, r)
		}}}
		other := func() *module { return &module{resolvers: map[string]resolver{"Subscription.g": trap}} }
		b := other()
		s.broker.Activate(s.tenant, version(t, map[string]*module{"a": bad, "b": b}, sdl))
		f, g := s.subscribe(tenant.Identity{}, "subscription { f }", ""), s.subscribe(tenant.Identity{}, "subscription { g }", "")
		s.publishMany(20)
		names := func() (names []string) {
			for _, q := range s.broker.Quarantined(s.tenant) {
				names = append(names, q.Module+" "+q.Resolver)
			}
			return names
		}
		if got := names(); !slices.Equal(got, []string{"a Subscription.f", "b Subscription.g"}) {
			t.Fatalf("in quarantine: %q", got)
		}
		bad.logged(t, "begins")
		b.logged(t, "begins")
		f.take()
		g.take()

		// Another version of b leaves a alone.
		s.broker.Activate(s.tenant, version(t, map[string]*module{"a": bad, "b": other()}, sdl))
		if got := names(); !slices.Equal(got, []string{"a Subscription.f"}) {
			t.Fatalf("in quarantine after a new version of b: %q", got)
		}
		b.logged(t, "the quarantine of Subscription.g ends: another version of its module is active")
		s.publish("c", "1")
		f.wants(t, 1, "MODULE_QUARANTINED")
		g.wants(t, 1, "RESOLVER_TRAP")

		// What still runs under the old version says nothing of the new one.
		time.Sleep(5 * time.Second)
		waiting = true
		probed := make(chan struct{})
		go func() {
			defer close(probed)
			s.publish("c", "1")
		}()
		synctest.Wait()
		good := &module{resolvers: map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, "1") }}}
		s.broker.Activate(s.tenant, version(t, map[string]*module{"a": good, "b": other()}, sdl))
		close(hold)
		<-probed
		if got := names(); len(got) != 0 {
			t.Fatalf("in quarantine after a new version of a: %q", got)
		}
		f.take()
		s.publish("c", "1")
		f.wants(t, 1, `{"data":{"f":1}}`)
		bad.logged(t, "ends: another version")
		good.logged(t)
	})
}

func TestReleaseByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		m, _ := s.activate(quarantineSDL, map[string]resolver{"Subscription.f": trap, "Subscription.g": trap})
		f := s.subscribe(tenant.Identity{}, "subscription { f }", "")
		s.publishMany(19)
		f.take()
		s.broker.Release(s.tenant, "m")
		s.publish("c", "1")
		f.wants(t, 1, "RESOLVER_TRAP")
		s.publishMany(19)
		f.take()
		m.logged(t, "begins")
		s.broker.Release(s.tenant, "other")
		s.publish("c", "1")
		f.wants(t, 1, "MODULE_QUARANTINED")
		s.broker.Release(s.tenant, "m")
		m.logged(t, "the quarantine of Subscription.f ends: it was released by hand")
		if got := s.broker.Quarantined(s.tenant); len(got) != 0 {
			t.Errorf("still %+v", got)
		}
		s.publishMany(20)
		f.wants(t, 20, "RESOLVER_TRAP")
	})
}
