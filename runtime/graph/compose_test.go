package graph_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
)

const orders = `
type Order { id: ID! customerId: ID! status: String! total: Float sentAt: Float note: String @requires(permission: "orders:note") }
type Subscription {
  orderUpdated(customerId: ID): Order
    @on(channel: "orders", overflow: DISCONNECT, key: "id")
    @match(path: "customerId", arg: "customerId")
    @match(path: "items.0.region", claim: "regions")
    @match(path: "kind", in: ["a", "b"])
    @requires(permission: "orders:read")
  price: Float @on(channel: "prices", initial: true, overflow: LATEST, key: "quote.0.symbol") @on(channel: "halts", overflow: LATEST)
}
`

func source(name, sdl string, resolvers ...string) graph.Source {
	return graph.Source{Module: name, SDL: sdl, Resolvers: resolvers}
}

func TestComposeRootField(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("orders", orders, "Subscription.orderUpdated", "Subscription.price", "not.a.resolver")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	f, ok := schema.RootField("Subscription.orderUpdated")
	if !ok {
		t.Fatal("no root field")
	}
	got := fmt.Sprintf("%+v", *f)
	want := `{ResolvedField:{Type:Subscription Name:orderUpdated Module:orders Resolver:Subscription.orderUpdated} ` +
		`Channels:[{Name:orders Initial:false Overflow:DISCONNECT Key:[id]}] ` +
		`Matches:[{Path:[customerId] Arg:customerId Claim: In:[] ArgIsID:true} {Path:[items 0 region] Arg: Claim:regions In:[] ArgIsID:false} ` +
		`{Path:[kind] Arg: Claim: In:[a b] ArgIsID:false}] Requires:[orders:read]}`
	if got != want {
		t.Errorf("root field\n%s, want\n%s", got, want)
	}
	f, _ = schema.RootField("Subscription.price")
	got = fmt.Sprintf("%+v", f.Channels)
	if want := `[{Name:prices Initial:true Overflow:LATEST Key:[quote 0 symbol]} {Name:halts Initial:false Overflow:LATEST Key:[]}]`; got != want {
		t.Errorf("channels\n%s, want\n%s", got, want)
	}
	if _, ok := schema.RootField("Query._runnel"); ok {
		t.Error("the placeholder is a root field")
	}
	for _, part := range []string{"_runnel: String!", `@on(channel: "orders", overflow: DISCONNECT, key: "id")`, "type Order {"} {
		if !strings.Contains(schema.SDL(), part) {
			t.Errorf("SDL lacks %q:\n%s", part, schema.SDL())
		}
	}
	for _, part := range []string{"directive", "enum Overflow", "__schema", "scalar"} {
		if strings.Contains(schema.SDL(), part) {
			t.Errorf("SDL repeats %q:\n%s", part, schema.SDL())
		}
	}
}

func TestComposeSeveralModules(t *testing.T) {
	shared := "\"one\" type Money @tag(name: \"x\") { amount: Float! currency: String! }\ndirective @tag(name: String) on OBJECT\n"
	sorted := "type Money @tag(name: \"x\") { \"two\" currency: String! amount: Float! }\n directive @tag(name: String) on OBJECT\n enum Overflow { LATEST DISCONNECT }\n"
	sources := []graph.Source{
		source("b", sorted+`extend type Query { price: Money } extend type Order { price: Money }`, "Query.price"),
		source("a", shared+`type Query { order: Order } type Order { id: ID! }`, "Query.order"),
		source("c", `extend type Subscription { ticks: Int @on(channel: "t") } directive @requires(permission: String!) repeatable on FIELD_DEFINITION`, "Subscription.ticks"),
	}
	first, err := graph.Compose(sources, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(sources)
	second, err := graph.Compose(sources, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if first.SDL() != second.SDL() {
		t.Errorf("the order of modules matters:\n%s\n%s", first.SDL(), second.SDL())
	}
	for resolver, module := range map[string]string{"Query.price": "b", "Query.order": "a", "Subscription.ticks": "c"} {
		if f, ok := first.RootField(resolver); !ok || f.Module != module {
			t.Errorf("%s is owned by %+v, want %s", resolver, f, module)
		}
	}
}

func TestComposeSharedRootType(t *testing.T) {
	sdl := `type Query { a: Int b: Int }`
	schema, err := graph.Compose([]graph.Source{source("one", sdl, "Query.a"), source("two", sdl, "Query.b")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := schema.RootField("Query.b"); f.Module != "two" {
		t.Errorf("Query.b is owned by %s", f.Module)
	}
}

func TestComposeProblems(t *testing.T) {
	ok := `type Query { a: Int }`
	sub := func(directives string) string {
		return ok + ` type Subscription { s(x: ID, l: [ID]): Int ` + directives + ` }`
	}
	tests := []struct {
		name    string
		sources []graph.Source
		want    []string
	}{
		{"syntax", []graph.Source{source("m", "type Query {\n  a Int }")}, []string{`module m:2:5: Expected :, found Name`}},
		{"several modules do not parse", []graph.Source{source("m", "type"), source("n", "}")}, []string{"module m:1:5: ", "module n:1:1: "}},
		{"no token", []graph.Source{source("m", "type Query {\n  a: Int \"x }"), source("n", "type Query { ? }"), source("o", "type { ? }")}, []string{
			"module m:2:14: Unterminated string.", `module n:1:14: Cannot parse the unexpected character "?".`, "module o:1:6: Expected Name, found {",
		}},
		{"no resolver", []graph.Source{source("m", ok)}, []string{`module m:1:14: Query.a needs a resolver: module m exports no "Query.a"`}},
		{"resolver of nothing", []graph.Source{source("m", ok, "Query.a", "Query.b", "X.y")}, []string{
			`module m: Query.b: the export names no field of the schema`, `module m: X.y: the export names no field of the schema`,
		}},
		{"resolvers of what is no object field", []graph.Source{source("m", `type Query { a(i: I): N } type T implements N { b: Int } interface N { b: Int } input I { b: Int } union U = T enum E { b }`, "Query.a", "N.b", "N.c", "I.b", "U.b", "E.b", "T.c")}, []string{
			`module m:1:72: N.b: N is an interface: its fields are resolved by the object types that implement it`,
			`module m: N.c: the export names no field of the schema`, `module m:1:91: I.b: the export names no field of the schema`,
			`module m: U.b: the export names no field of the schema`, `module m: E.b: the export names no field of the schema`, `module m: T.c: the export names no field of the schema`,
		}},
		{"two exports of an object field", []graph.Source{source("m", ok+` type T { b: Int }`, "Query.a", "T.b"), source("n", `type T { b: Int }`, "T.b")}, []string{
			"module n:1:10: T.b: it is exported by module m and by module n",
		}},
		{"object field of another module", []graph.Source{source("m", ok+` type T { b: Int }`, "Query.a"), source("n", `extend type T { c: Int }`, "T.b", "T.c")}, []string{
			"module n: T.b: the field is declared by module m, not by module n",
		}},
		{"two exports", []graph.Source{source("m", ok, "Query.a"), source("n", ok, "Query.a")}, []string{"module n:1:14: Query.a: it is exported by module m and by module n"}},
		{"export elsewhere", []graph.Source{source("m", ok), source("n", `extend type Query { b: Int }`, "Query.b", "Query.a")}, []string{
			`module m:1:14: Query.a needs a resolver`, `module n: Query.a: the field is declared by module m, not by module n`,
		}},
		{"two owners", []graph.Source{source("m", ok, "Query.a"), source("n", `extend type Query { a: Int }`)}, []string{
			"module n:1:21: Query.a is declared by module m and by module n",
		}},
		{"different types", []graph.Source{source("m", ok+` type T { a: Int }`, "Query.a"), source("n", ` type T { a: Int! }`)}, []string{
			"module n:1:7: type T differs from its declaration in module m",
		}},
		{"different directives", []graph.Source{source("m", ok+` directive @d on FIELD`, "Query.a"), source("n", `directive @d on OBJECT`)}, []string{
			"module n:1:12: directive @d differs from its declaration in module m",
		}},
		{"predeclared differs", []graph.Source{source("m", ok+"\ndirective @on(channel: String!) on FIELD_DEFINITION\nenum Overflow { LATEST }\nscalar Int\ndirective @skip on FIELD", "Query.a")}, []string{
			"module m:2:12: directive @on is predeclared", "module m:3:6: type Overflow is predeclared",
			"module m:4:8: type Int is built in", "module m:5:12: directive @skip is predeclared",
		}},
		{"schema block", []graph.Source{source("m", ok+"\nschema { query: Query }", "Query.a")}, []string{"module m:2:8: a schema block is not allowed"}},
		{"reserved names", []graph.Source{source("m", ok+"\ntype _runnelX { _runnel: Int a(_runnel_a: Int): Int } enum E { __a } directive @_runnel on FIELD", "Query.a")}, []string{
			"module m:2:6: name _runnelX", "module m:2:17: name _runnel ", "module m:2:32: name _runnel_a", "module m:2:64: name __a", "module m:2:81: name _runnel ",
		}},
		{"root of another kind", []graph.Source{source("m", "input Query { a: Int }")}, []string{"module m:1:7: root type Query must be an object type, not input"}},
		{"references", []graph.Source{source("m", "type Query { a: Missing b(x: T): I c: __Type }\ntype T implements U @nope { x: Int }\ninput I { t: T }\nunion U = T | I | Missing", "Query.a", "Query.b", "Query.c")}, []string{
			"1:17: undefined type Missing", "1:30: T is not an input type", "1:34: I is an input type", "1:39: type __Type belongs to introspection",
			"2:6: T implements U, which is no interface", "2:22: undefined directive @nope", "3:14: T is not an input type",
			"4:15: union U can only have object types as members, and I is none", "4:19: union U can only have object types as members, and Missing is none",
		}},
		{"duplicates", []graph.Source{source("m", "type Query { a(x: Int x: Int): Int a: Int } enum E { A B A } type T { x: Int } type T { x: Int }", "Query.a")}, []string{
			"argument x of Query.a is declared twice", "Query.a is declared twice", "E.A is declared twice", "type T is declared twice",
		}},
		{"extend nothing", []graph.Source{source("m", ok+` extend type T { a: Int } extend scalar Int @x extend enum Query { A }`, "Query.a")}, []string{
			"cannot extend T, which no module declares", "cannot extend Int, which is built in", "cannot extend Query as enum: it is declared as type",
			"root type Query must be an object type, not enum",
		}},
		{"no finite value", []graph.Source{source("m", ok+"\ninput A @oneOf { b: B }\ninput B { n: Int a: A! }\ninput C { c: C! b: B }\ninput D { c: C! }", "Query.a")}, []string{
			"module m:2:18: input A has no finite value: it contains itself through A.b, B.a", "module m:4:11: input C has no finite value: it contains itself through C.c",
		}},
		{"fields of oneOf", []graph.Source{source("m", ok+"\ninput A @oneOf { a: Int!\nb: Int = 1 c: Int }", "Query.a")}, []string{
			"module m:2:21: A.a must be nullable", "module m:3:10: A.b must have no default value",
		}},
		{"deprecated", []graph.Source{source("m", "type Query implements I { a(x: Int! @deprecated, y: Int! = 1 @deprecated): Int @deprecated }\ninterface I { a(x: Int!, y: Int!): Int }\ninput A { n: Int! @deprecated }", "Query.a")}, []string{
			"module m:1:38: argument x of Query.a is required, so it cannot be deprecated", "module m:1:81: Query.a is deprecated, and I.a, which it implements, is not",
			"module m:3:20: input field A.n is required, so it cannot be deprecated",
		}},
		{"not repeatable", []graph.Source{source("m", ok+"\nscalar S @specifiedBy(url: \"a\") @d @d directive @d repeatable on SCALAR", "Query.a"), source("n", `extend scalar S @specifiedBy(url: "b")`)}, []string{
			"module n:1:18: directive @specifiedBy is not repeatable, and stands here twice",
		}},
		{"gqlparser's own", []graph.Source{source("m", "type Query { a: T } type T implements N { x: Int }\ninterface N { id: ID }", "Query.a")}, []string{"module m:1:26: For T to implement N it must have a field called id."}},
		{"no on", []graph.Source{source("m", sub(""), "Query.a", "Subscription.s")}, []string{"module m:1:43: Subscription.s needs an @on that names its channel"}},
		{"on elsewhere", []graph.Source{source("m", `type Query { a: T @on(channel: "x") @match(path: "a", claim: "b") } type T { b: Int @on(channel: "x") }`, "Query.a")}, []string{
			"@on is for fields of Subscription, not for Query.a", "@match is for fields of Subscription, not for Query.a", "@on is for fields of Subscription, not for T.b",
		}},
		{"channels", []graph.Source{source("m", sub(`@on(channel: "a b") @on(channel: "") @on(channel: "`+strings.Repeat("x", 201)+`") @on(channel: "c") @on(channel: "c", key: "a..b") @on(channel: "d", overflow: LATEST, key: "")`), "Query.a", "Subscription.s")}, []string{
			`channel "a b" is not`, `channel "" is not`, `channel "xxx`, `key of @on: path "a..b" has an empty step`, `key of @on: path "" has an empty step`, "Subscription.s is on channel c twice",
		}},
		{"matches", []graph.Source{source("m", sub(`@on(channel: "c") @match(path: "a") @match(path: "a", arg: "x", claim: "y") @match(path: "a", arg: "nope") @match(path: "a", arg: "l")
			@match(path: "a", in: []) @match(path: "$.a", claim: "c") @match(path: "a[0]", claim: "c") @match(path: "", claim: "c") @match(path: "a", claim: "")`), "Query.a", "Subscription.s")}, []string{
			"exactly one of arg, claim and in is needed, and 0 are given", "exactly one of arg, claim and in is needed, and 2 are given", `the field has no argument "nope"`,
			`argument "l" is a list`, "in is empty", `path "$.a": a path is keys`, `path "a[0]": a path is keys`, `path "" has an empty step`, "the name of the claim is empty",
		}},
		{"directive values", []graph.Source{source("m", sub(`@on(channel: 5) @match(path: "a", in: [1]) @requires(permission: "")`), "Query.a", "Subscription.s")}, []string{
			"argument channel of @on: String cannot represent a non string value: 5", "argument in of @match: String cannot represent a non string value: 1",
			"@requires needs a permission that is not empty",
		}},
		{"default values", []graph.Source{source("m", "type Query { a(x: Int = \"s\", y: I = {z: 1}, e: E = B, big: Int = 9999999999): Int }\ninput I { i: Int = true } input J { j: J = {} k: [J!] = [{j: null}] } enum E { A }", "Query.a")}, []string{
			`argument x of Query.a: default value: Int cannot represent non-integer value: "s"`, `argument y of Query.a: default value: Field "z" is not defined by type "I".`,
			`argument e of Query.a: default value: Value "B" does not exist in "E" enum.`, "argument big of Query.a: default value: Int cannot represent non 32-bit",
			"I.i: default value: Int cannot represent non-integer value: true", "J.j: default value: it contains itself", "J.k: default value: it contains itself",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := graph.Compose(test.sources, graph.ComposeLimits{})
			var problems *graph.ComposeError
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want a ComposeError", err)
			}
			for _, want := range test.want {
				if !slices.ContainsFunc(problems.Problems, func(p graph.Problem) bool { return strings.Contains(p.String(), want) }) {
					t.Errorf("no problem %q", want)
				}
			}
			for _, p := range problems.Problems {
				if !slices.ContainsFunc(test.want, func(want string) bool { return strings.Contains(p.String(), want) }) {
					t.Errorf("unexpected problem %q", p)
				}
			}
		})
	}
}

func TestComposeNesting(t *testing.T) {
	const limit = 200 // one brace is open around the type
	for _, test := range []struct{ before, open, inner, close, after string }{
		{"type Query { a: ", "[", "Int", "]", " }"},
		{"type Query { a: Int } scalar S directive @d(x: S = ", "[", "1", "]", ") on FIELD"},
		{"type Query { a: Int } scalar S directive @d(x: S = ", "{a:", "1", "}", ") on FIELD"},
	} {
		build := func(depth int) error {
			sdl := test.before + strings.Repeat(test.open, depth) + test.inner + strings.Repeat(test.close, depth) + test.after
			_, err := graph.Compose([]graph.Source{source("m", sdl, "Query.a")}, graph.ComposeLimits{})
			return err
		}
		if err := build(limit - 1); err != nil {
			t.Errorf("%s: at the limit: %v", test.open, err)
		}
		for _, depth := range []int{limit, 1_000_000} {
			if err := build(depth); err == nil || !strings.Contains(err.Error(), "more than 200 levels of nesting") {
				t.Errorf("%s: past the limit: %.200v", test.open, err)
			}
		}
	}
}

func TestComposeLimits(t *testing.T) {
	types := "type Query { a: Int }"
	for i := range 10 {
		types += fmt.Sprintf(" scalar S%d", i)
	}
	for _, test := range []struct {
		limits graph.ComposeLimits
		limit  string
	}{
		{graph.ComposeLimits{SchemaBytes: len(types), SchemaTypes: 11}, ""},
		{graph.ComposeLimits{SchemaBytes: len(types) - 1}, "schemaBytes"},
		{graph.ComposeLimits{SchemaTypes: 10}, "schemaTypes"},
	} {
		_, err := graph.Compose([]graph.Source{source("m", types, "Query.a")}, test.limits)
		var problems *graph.ComposeError
		if met := errors.As(err, &problems); met != (test.limit != "") || (met && problems.Limit != test.limit) {
			t.Errorf("%+v: %v", test.limits, err)
		}
	}
}

// Defaults that contain defaults must not multiply.
func TestComposeDefaultExpansion(t *testing.T) {
	var b strings.Builder
	b.WriteString("type Query { a(x: I0): Int }\n")
	for i := range 40 {
		fmt.Fprintf(&b, "input I%d { a: I%d = {} b: I%d = {} }\n", i, i+1, i+1)
	}
	b.WriteString("input I40 { a: Int = 1 }")
	start := time.Now()
	_, err := graph.Compose([]graph.Source{source("m", b.String(), "Query.a")}, graph.ComposeLimits{})
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("error %.200v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func BenchmarkCompose(b *testing.B) {
	var sources []graph.Source
	for m := range 20 {
		var sdl strings.Builder
		var resolvers []string
		for i := 0; sdl.Len() < 100_000; i++ {
			fmt.Fprintf(&sdl, "type T%d_%d { id: ID! name: String @requires(permission: \"p\") count: [Int!]! other: T%d_%d }\n", m, i, m, i)
			if i >= 100 {
				continue
			}
			fmt.Fprintf(&sdl, "extend type Subscription { s%d_%d(id: ID): T%d_%d @on(channel: \"c%d\") @match(path: \"id\", arg: \"id\") }\n", m, i, m, i, i)
			resolvers = append(resolvers, fmt.Sprintf("Subscription.s%d_%d", m, i))
		}
		sources = append(sources, source(fmt.Sprint("m", m), sdl.String(), resolvers...))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := graph.Compose(sources, graph.ComposeLimits{}); err != nil {
			b.Fatalf("%.300v", err)
		}
	}
}

func TestADisagreementIsReportedInTheModuleThatChanged(t *testing.T) {
	sdl := "type Query {\n  a: Int\n}"
	for changed, want := range map[string]string{"a": "module a:", "b": "module b:", "": "module b:"} {
		sources := []graph.Source{source("a", sdl, "Query.a"), source("b", "\n"+sdl, "Query.a")}
		for i := range sources {
			sources[i].Changed = sources[i].Module == changed
		}
		_, err := graph.Compose(sources, graph.ComposeLimits{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("changed %q: %v, want %s", changed, err, want)
		}
	}
}
