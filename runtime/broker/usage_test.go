package broker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		if u := s.broker.Usage(s.tenant); u.Runs != 0 || len(u.Errors) == 0 || u.Since.IsZero() {
			t.Errorf("before there is a version: %+v", u)
		}
		began := time.Now().UTC()
		running, release := make(chan struct{}), make(chan struct{})
		s.activate(`
			type T { n: Int below: Int }
			type Query { t(how: Int): T slow: Int }
			type Subscription { f(a: Int): T @on(channel: "c") }`, map[string]resolver{
			"Query.t": func(g *reader, r *sandbox.Result) {
				r.Fuel = 1000
				switch g.argument("how") {
				case "1":
					trap(g, r)
				case "2":
					r.Verdict, r.Failure = abi.Failed, sandbox.Failure{Message: "no", Extensions: []byte(`{"code":"OUT"}`)}
				case "3":
					output(r, `{"n":"x"}`)
				default:
					output(r, `{"n":1}`)
				}
			},
			"Query.slow": func(_ *reader, r *sandbox.Result) {
				close(running)
				<-release
				output(r, "1")
			},
			"Subscription.f": func(g *reader, r *sandbox.Result) {
				r.Fuel = 7
				g.argument("a")
				output(r, `{"n":2}`)
			},
			"T.below": func(g *reader, r *sandbox.Result) {
				r.Fuel = 100
				each(func(map[string]any) string { return "3" })(g, r)
			},
		})
		time.Sleep(time.Hour)
		s.execute(tenant.Identity{}, `{ a: t { n } b: t(how: 1) { n } c: t(how: 2) { n } d: t(how: 3) { n again: n } e: t { below } f: t { below } }`, "")
		for _, wrong := range []string{`{`, `{ nothing }`, `query($a: Int!) { t(how: $a) { n } }`} {
			if o, errs := s.open(tenant.Identity{}, wrong, ""); errs == nil {
				t.Errorf("%s is fine: %v", wrong, o)
			}
		}
		u := s.broker.Usage(s.tenant)
		if u.Since != began || u.Runs != 7 || u.Fuel != 6100 || u.SharedRuns != 0 || u.Events != 0 || u.Deliveries != 0 {
			t.Errorf("after operations: %+v", u)
		}
		for code, n := range u.Errors {
			want := map[abi.Code]uint64{
				abi.CodeResolverTrap: 1, abi.CodeResolverError: 1, abi.CodeBadOutput: 1,
				abi.CodeParseFailed: 1, abi.CodeValidationFailed: 1, abi.CodeBadUserInput: 1,
			}[code]
			if n != want {
				t.Errorf("%d errors %s, want %d", n, code, want)
			}
		}

		for _, query := range []string{`subscription { f { n } }`, `subscription { f { n } }`, `subscription { f { n below } }`, `subscription { f(a: 2) { below } }`} {
			s.subscribe(tenant.Identity{}, query, "")
		}
		s.publish("c", "1")
		s.publish("elsewhere", "1")
		u = s.broker.Usage(s.tenant)
		// Two runs of f and one below; two roots and one batch are taken from others.
		if u.Runs != 7+3 || u.Fuel != 6100+2*7+100 || u.SharedRuns != 3 || u.Events != 2 || u.Deliveries != 4 || u.Subscriptions != 4 {
			t.Errorf("after events: %+v", u)
		}
		if want := 2*len(`{"data":{"f":{"n":2}}}`) + len(`{"data":{"f":{"n":2,"below":3}}}`) + len(`{"data":{"f":{"below":3}}}`); u.DeliveredBytes != uint64(want) {
			t.Errorf("%d bytes, want %d", u.DeliveredBytes, want)
		}

		done := make(chan struct{})
		go func() {
			defer close(done)
			s.execute(tenant.Identity{}, `{ slow }`, "")
		}()
		<-running
		limits := s.tenant.Limits()
		if u := s.broker.Usage(s.tenant); u.Instances != 1 || u.MemoryBytes != limits.InstanceBytes() {
			t.Errorf("while one runs: %+v", u)
		}
		close(release)
		<-done
		if u := s.broker.Usage(s.tenant); u.Instances != 0 || u.MemoryBytes != 0 {
			t.Errorf("when none runs: %+v", u)
		}
	})
}

func TestUsageInQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.activate(quarantineSDL, map[string]resolver{"Subscription.f": trap, "Subscription.g": trap})
		for range 3 {
			s.subscribe(tenant.Identity{}, `subscription { f }`, "")
		}
		s.subscribe(tenant.Identity{}, `subscription { g }`, "")
		s.publishMany(30)
		u := s.broker.Usage(s.tenant)
		if u.Runs != 40 || u.SharedRuns != 40 || u.SkippedEvents != 20 || u.Errors[abi.CodeModuleQuarantined] != 4 || u.Errors[abi.CodeResolverTrap] != 40 || u.Deliveries != 84 {
			t.Errorf("%+v", u)
		}
	})
}
