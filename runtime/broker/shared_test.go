package broker_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestNoByteCrossesBetweenSharedOperations has subscriptions of one plan that
// differ in what is theirs alone, in conditions, in arguments of nested fields,
// good and bad, and in permissions. Each gets what it gets where it is the only
// one, also after a new version, and no more operations are held than there are
// projection keys.
func TestNoByteCrossesBetweenSharedOperations(t *testing.T) {
	const sdl = `
		type Thing { own: String secret: String @requires(permission: "see") more: String nested(first: Int! = 2): String }
		type Subscription { thing(of: ID, limit: Int = 9): Thing @on(channel: "c") }`
	resolvers := map[string]resolver{
		"Subscription.thing": func(g *reader, r *sandbox.Result) {
			output(r, `{"own":%q,"secret":"s","more":"m"}`, g.arguments()+g.argument("of"))
		},
		"Thing.nested": func(g *reader, r *sandbox.Result) {
			g.parents()
			output(r, `[%q]`, g.arguments())
		},
	}
	const query = `subscription($of: ID, $limit: Int, $first: Int = 1, $more: Boolean = true) {
		thing(of: $of, limit: $limit) { own secret nested(first: $first) more @include(if: $more) } }`
	type request struct {
		identity  tenant.Identity
		variables string
	}
	var requests []request
	for _, own := range []string{`"of":"a"`, `"of":"b"`, `"of":3,"limit":null`, `"limit":1`} {
		for _, first := range []string{"", `,"first":1`, `,"first":2`, `,"first":null`} {
			for _, more := range []string{"", `,"more":false`, `,"more":null`} {
				for _, id := range []tenant.Identity{{}, identity(t, "{}", "see")} {
					requests = append(requests, request{id, "{" + own + first + more + "}"})
				}
			}
		}
	}
	s := newStage(t)
	s.activate(sdl, resolvers)
	var subs []*subscriber
	for _, r := range requests {
		subs = append(subs, s.subscribe(r.identity, query, r.variables))
	}
	distinct := map[string]int{}
	check := func(sdl string) {
		t.Helper()
		if got, want := s.broker.SharedOperations(), 3*3*2; got != want {
			t.Errorf("%d operations are held, want %d", got, want)
		}
		s.publish("c", "1")
		for i, r := range requests {
			alone := newStage(t)
			alone.activate(sdl, resolvers)
			only := alone.subscribe(r.identity, query, r.variables)
			alone.publish("c", "1")
			want := strings.Join(only.take(), "\n")
			if got := strings.Join(subs[i].take(), "\n"); got != want {
				t.Errorf("with %s got\n%s, alone\n%s", r.variables, got, want)
			}
			distinct[want]++
		}
	}
	check(sdl)
	if len(distinct) != 4*3*2*2+1 { // a condition of null spoils all of a response
		t.Errorf("%d distinct responses: the test holds too little apart", len(distinct))
	}
	changed := strings.Replace(sdl, "limit: Int = 9", "also: Int = 4, limit: Int = 8", 1)
	s.activate(changed, resolvers)
	check(changed)
	for _, sub := range subs {
		sub.Close()
	}
	if n := s.broker.SharedOperations(); n != 0 {
		t.Errorf("%d operations are held when all have left", n)
	}
}
