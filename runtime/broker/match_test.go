package broker_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// The oracle of @match: what the page on schemas says, read with encoding/json and exact
// numbers, for one subscriber and one event at a time.

// condition is one @match.
type condition struct {
	path, arg, claim string
	in               []string
}

func decoded(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// follow goes along a path; absent is nil, which matches as little as null.
func follow(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			v = nil
			for i := range at {
				if fmt.Sprint(i) == step {
					v = at[i]
				}
			}
		default:
			return nil
		}
	}
	return v
}

// same compares two scalars.
func same(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return false
		}
		return broker.SameNumber(a.String(), b.String())
	}
	return false
}

// holds judges one condition. arguments are JSON texts by name.
func (c condition) holds(arguments map[string]string, id map[string]bool, claims, payload any) bool {
	value := follow(payload, c.path)
	switch {
	case c.arg != "":
		text, given := arguments[c.arg]
		if !given || text == "null" {
			return true
		}
		own := decoded(text)
		if same(own, value) {
			return true
		}
		digits, isText := own.(string)
		_, isNumber := decoded(digits).(json.Number)
		return id[c.arg] && isText && isNumber && json.Valid([]byte(digits)) && !strings.ContainsAny(digits, ".eE") && digits != "-0" && same(json.Number(digits), value)
	case c.claim != "":
		own := claims.(map[string]any)[c.claim]
		if list, ok := own.([]any); ok {
			return slices.ContainsFunc(list, func(one any) bool { return same(one, value) })
		}
		return same(own, value)
	}
	return slices.ContainsFunc(c.in, func(text string) bool {
		return same(text, value) || json.Valid([]byte(text)) && text == strings.TrimSpace(text) && isScalar(decoded(text)) && same(decoded(text), value)
	})
}

// isScalar tells numbers and booleans from what a fixed value cannot spell.
func isScalar(v any) bool {
	switch v.(type) {
	case json.Number, bool:
		return true
	}
	return false
}

// matchable are the fields of the test, with their conditions, which it repeats.
const matchable = `
enum Size { S M }
type Subscription {
  id(id: ID, size: Size): Int @on(channel: "c") @on(channel: "d") @match(path: "a", arg: "id") @match(path: "b.0", arg: "size")
  number(int: Int, float: Float): Int @on(channel: "c") @match(path: "a", arg: "int") @match(path: "b.1.x", arg: "float")
  text(text: String, flag: Boolean): Int @on(channel: "c") @match(path: "a", arg: "text") @match(path: "A", arg: "flag")
  claimed(int: Int): Int @on(channel: "c") @match(path: "a", claim: "one") @match(path: "b.0", claim: "many") @match(path: "A", arg: "int")
  fixed(id: ID): Int @on(channel: "c") @match(path: "a", in: ["1", "S", "true", "2.50", "null", "[1]", " 1", "-0", ""]) @match(path: "b.0", arg: "id")
  twice(id: ID): Int @on(channel: "d") @match(path: "a", arg: "id") @match(path: "b.0", arg: "id") @match(path: "a", claim: "one")
}`

var matchConditions = map[string][]condition{
	"id":      {{path: "a", arg: "id"}, {path: "b.0", arg: "size"}},
	"number":  {{path: "a", arg: "int"}, {path: "b.1.x", arg: "float"}},
	"text":    {{path: "a", arg: "text"}, {path: "A", arg: "flag"}},
	"claimed": {{path: "a", claim: "one"}, {path: "b.0", claim: "many"}, {path: "A", arg: "int"}},
	"fixed":   {{path: "a", in: []string{"1", "S", "true", "2.50", "null", "[1]", " 1", "-0", ""}}, {path: "b.0", arg: "id"}},
	"twice":   {{path: "a", arg: "id"}, {path: "b.0", arg: "id"}, {path: "a", claim: "one"}},
}

// matchArguments are the arguments of each field, with what clients may show as variables.
var matchArguments = map[string]map[string][]string{
	"id":      {"id": idTexts, "size": {`"S"`, `"M"`, "null"}},
	"number":  {"int": {"0", "1", "-1", "100", "2147483647", "null"}, "float": {"0", "-0.0", "1", "1.0", "2.5", "1e2", "1e300", "-1e-300", "null"}},
	"text":    {"text": {`""`, `"1"`, `"S"`, `"s"`, `"\u00e9"`, `"e\u0301"`, `"true"`, `"null"`, "null"}, "flag": {"true", "false", "null"}},
	"claimed": {"int": {"1", "null"}},
	"fixed":   {"id": idTexts},
	"twice":   {"id": idTexts},
}

var (
	idTexts = []string{`"1"`, `"0"`, `"-0"`, `"01"`, `"-1"`, `"1.0"`, `"1e0"`, `"100"`, `"12345678901234567890123"`, `""`, `"S"`, "1", "null"}
	scalars = []string{
		"0", "-0", "0e5", "-0.0e-7", "1", "1.0", "10e-1", "0.1e1", "-1", "100", "1e2", "1E+2", "2.5", "25e-1", "2147483647", "1e300", "-1e-300", "12345678901234567890123", "1.2345678901234567890123e22", "1e99999999999999999999", "10e99999999999999999998", "1e-99999999999999999999", "1e1000000000",
		`""`, `"1"`, `"S"`, `"s"`, `"M"`, `"\u00e9"`, `"é"`, `"e\u0301"`, `"\u0053"`, `"true"`, `"null"`, `"2.50"`, `" 1"`, `"-0"`, `"1.0"`, `"100"`, "true", "false", "null", "{}", "[]", "[1]", `{"0":"S"}`,
	}
)

// TestMatchAgainstAnOracle has subscribers come and go with random arguments and claims, and
// holds who gets each random event. What is left in the end is nothing.
func TestMatchAgainstAnOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	pick := func(of []string) string { return of[r.IntN(len(of))] }
	s := newStage(t)
	resolvers := map[string]resolver{}
	fields := []string{"claimed", "fixed", "id", "number", "text", "twice"}
	for _, field := range fields {
		resolvers["Subscription."+field] = func(_ *reader, r *sandbox.Result) { output(r, "1") }
	}
	s.activate(matchable, resolvers)
	type live struct {
		*subscriber
		field, claims string
		arguments     map[string]string
	}
	types := map[string]string{"id": "ID", "size": "Size", "int": "Int", "float": "Float", "text": "String", "flag": "Boolean"}
	enter := func() live {
		l := live{field: pick(fields), claims: "{}", arguments: map[string]string{}}
		if r.IntN(3) > 0 {
			l.claims = fmt.Sprintf(`{"one":%s,"many":[%s,%s,%[3]s]}`, pick(scalars), pick(scalars), pick(scalars))
		}
		var declared, passed, variables []string
		for name, texts := range matchArguments[l.field] {
			if r.IntN(3) == 0 {
				continue
			}
			l.arguments[name] = pick(texts)
			if name == "id" && l.arguments[name] == "1" {
				l.arguments[name] = `"1"` // as an ID is coerced
				variables = append(variables, `"id":1`)
			} else {
				variables = append(variables, fmt.Sprintf("%q:%s", name, l.arguments[name]))
			}
			declared, passed = append(declared, "$"+name+": "+types[name]), append(passed, name+": $"+name)
		}
		query := "subscription { " + l.field + " }"
		if len(passed) > 0 {
			query = "subscription(" + strings.Join(declared, ", ") + ") { " + l.field + "(" + strings.Join(passed, ", ") + ") }"
		}
		l.subscriber = s.subscribe(identity(t, l.claims), query, "{"+strings.Join(variables, ",")+"}")
		return l
	}
	var subs []live
	matches := map[string]int{}
	for range 6000 {
		switch n := r.IntN(4); {
		case n == 0 && len(subs) > 20 || len(subs) > 60:
			i := r.IntN(len(subs))
			subs[i].Close()
			subs = slices.Delete(subs, i, i+1)
		case n < 3:
			subs = append(subs, enter())
		default:
			var members []string
			for member, value := range map[string]string{
				"a": pick(scalars), "A": pick(scalars), "b": fmt.Sprintf(`[%s,{"x":%s}]`, pick(scalars), pick(scalars)),
			} {
				if r.IntN(8) > 0 {
					members = append(members, fmt.Sprintf("%q:%s", member, value))
				}
			}
			payload, channel := "{"+strings.Join(members, ",")+"}", pick([]string{"c", "c", "d", "C"})
			event := decoded(payload)
			s.publish(channel, payload)
			for _, l := range subs {
				want := channel == "c" && l.field != "twice" || channel == "d" && (l.field == "id" || l.field == "twice")
				for _, c := range matchConditions[l.field] {
					want = want && c.holds(l.arguments, map[string]bool{"id": true}, decoded(l.claims), event)
				}
				got := len(l.take())
				if want {
					matches[l.field]++
				}
				if got > 1 || (got == 1) != want {
					t.Fatalf("%s with %v and claims %s got %d of %s on %s, want %v", l.field, l.arguments, l.claims, got, payload, channel, want)
				}
			}
		}
	}
	for _, field := range fields {
		if matches[field] < 3 {
			t.Errorf("field %s matched %d times", field, matches[field])
		}
	}
	for _, l := range subs {
		l.Close()
	}
	if live, members := s.broker.LiveMembers(); live+members+s.broker.SharedOperations() > 0 {
		t.Errorf("%d subscriptions, %d entries and %d operations are left", live, members, s.broker.SharedOperations())
	}
}

// counting is a sink that counts, and may be looked at meanwhile.
type counting struct{ got atomic.Int64 }

func (c *counting) Next(graph.Delivery) (taken, skipped bool) { c.got.Add(1); return true, false }
func (*counting) Position(string)                             {}
func (*counting) Ready() bool                                 { return true }
func (*counting) Error(graph.Errors)                          {}
func (*counting) Complete()                                   {}

// TestMatchWhileSubscribersComeAndGo has subscribers come and go, versions be activated and
// events be handed out at the same time. Who stays gets each event that it matches; who comes
// gets none that it does not match, and nothing of anybody is left.
func TestMatchWhileSubscribersComeAndGo(t *testing.T) {
	s := newStage(t)
	sdl := `type Subscription { f(n: Int): Int @on(channel: "c") @match(path: "n", arg: "n") }`
	resolvers := map[string]resolver{"Subscription.f": func(_ *reader, r *sandbox.Result) { output(r, "1") }}
	s.activate(sdl, resolvers)
	subscribe := func(n int, sink broker.Sink) *broker.Subscription {
		o, errs := s.open(tenant.Identity{}, "subscription($n: Int) { f(n: $n) }", fmt.Sprintf(`{"n":%d}`, n))
		if errs != nil {
			t.Error(errs)
			return nil
		}
		sub, errs := o.Subscribe(sink, broker.Resume{})
		if errs != nil {
			t.Error(errs)
			return nil
		}
		return sub
	}
	const values, events = 8, 160
	stayed := make([]*counting, values)
	var closes []*broker.Subscription
	for n := range stayed {
		stayed[n] = &counting{}
		closes = append(closes, subscribe(n, stayed[n]))
	}
	none := &counting{}
	over := make(chan struct{})
	var others sync.WaitGroup
	for worker := range 3 {
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				matching, never := subscribe(n%values, &counting{}), subscribe(values+worker, none)
				matching.Close()
				never.Close()
			}
		})
	}
	others.Go(func() {
		for range 20 {
			s.activate(sdl, resolvers)
		}
	})
	for n := range events {
		s.publish("c", fmt.Sprintf(`{"n":%d}`, n%values))
	}
	close(over)
	others.Wait()
	for n, sink := range stayed {
		if got := sink.got.Load(); got != events/values {
			t.Errorf("the subscriber of %d got %d events, want %d", n, got, events/values)
		}
		closes[n].Close()
	}
	if got := none.got.Load(); got > 0 {
		t.Errorf("%d events reached subscribers whom they do not match", got)
	}
	if live, members := s.broker.LiveMembers(); live+members+s.broker.SharedOperations() > 0 {
		t.Errorf("%d subscriptions, %d entries and %d operations are left", live, members, s.broker.SharedOperations())
	}
}
