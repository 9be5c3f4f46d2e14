package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/runnel-dev/runnel/abi"
)

func shopForFuzz(t testing.TB) *Schema {
	schema, err := Compose([]Source{{Module: "shop", SDL: Shop, Resolvers: ShopResolvers}}, ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestProjectRandom compares many random projections with the oracle.
func TestProjectRandom(t *testing.T) {
	schema := shopForFuzz(t)
	for seed := range uint64(700) {
		compareProjection(t, schema, seed)
	}
}

func FuzzProject(f *testing.F) {
	schema := shopForFuzz(f)
	for seed := range uint64(20) {
		f.Add(seed << 32)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareProjection(t, schema, seed) })
}

func compareProjection(t *testing.T, schema *Schema, seed uint64) {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 1)), schema: schema.doc}
	query := r.query()
	plan, errs := schema.Prepare(query, "", Limits{})
	if errs != nil {
		t.Fatalf("seed %d: %s: %s", seed, query, errs.Append(nil))
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{
		schema: schema.doc, document: doc, listItems: []int{1, 2, 3, 1000}[r.IntN(4)],
		variables: map[string]bool{"a": r.IntN(2) == 0, "b": r.IntN(2) == 0},
		permitted: map[string]bool{"note": r.IntN(2) == 0, "secret": r.IntN(2) == 0},
	}
	variables, _ := json.Marshal(o.variables)
	operation, errs := plan.Bind(variables, func(p string) bool { return o.permitted[p] }, Limits{ListItems: o.listItems})
	if errs != nil {
		t.Fatalf("seed %d: %s", seed, errs.Append(nil))
	}
	var outputs []string
	var results []Result
	for _, root := range operation.Roots() {
		output := r.damaged(r.output(schema.doc.Query.Fields.ForName(root.Field.Name).Type, 6))
		if outputs = append(outputs, output); r.IntN(20) == 0 {
			results = append(results, Result{Err: &Error{Message: "no", Code: abi.CodeResolverError}})
			continue
		}
		results = append(results, Result{Output: []byte(output)})
	}
	o.results = results
	want := o.execute()
	response := operation.AppendResponse(nil, results)
	data, gotErrors := read(t, response)
	if tokens(data) != tokens([]byte(want)) || !slices.Equal(gotErrors, o.reported()) {
		t.Fatalf("seed %d: %s\nvariables %s, permitted %v, list items %d, outputs %q\ngives %s\nwant %s\nerrors %q\nwant   %q",
			seed, query, variables, o.permitted, o.listItems, outputs, data, want, gotErrors, o.reported())
	}
}

// read takes a response apart. Errors are spelled as the oracle spells them.
func read(t *testing.T, response []byte) (data []byte, spelled []string) {
	var got struct {
		Errors []struct {
			Message    string
			Path       []any
			Locations  []Location
			Extensions struct{ Code abi.Code }
		}
		Data json.RawMessage
	}
	if err := json.Unmarshal(response, &got); err != nil {
		t.Fatalf("%v in %s", err, response)
	}
	for _, e := range got.Errors {
		text := ""
		for _, step := range e.Path {
			text += fmt.Sprintf("/%v", step)
		}
		if text == "" {
			text = e.Message
		}
		var at []string
		for _, l := range e.Locations {
			at = append(at, fmt.Sprintf(" %d:%d", l.Line, l.Column))
		}
		slices.Sort(at)
		spelled = append(spelled, text+" "+string(e.Extensions.Code)+strings.Join(at, ""))
	}
	return got.Data, spelled
}

// FuzzOutput gives a fixed operation any output at all.
func FuzzOutput(f *testing.F) {
	schema := shopForFuzz(f)
	const query = `{ orders { id a: total id2: id status count open note at extra matrix lines { sku } customer { id } node { id ... on Order { total } } tags } }`
	plan, errs := schema.Prepare(query, "", Limits{})
	if errs != nil {
		f.Fatal(errs)
	}
	operation, errs := plan.Bind(nil, nil, Limits{ListItems: 1 << 30})
	if errs != nil {
		f.Fatal(errs)
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		f.Fatal(err)
	}
	r := &random{Rand: rand.New(rand.NewPCG(1, 2)), schema: schema.doc}
	for range 20 {
		f.Add([]byte(r.output(schema.doc.Query.Fields.ForName("orders").Type, 6)))
	}
	f.Add([]byte(`[{"id":"a","total":1,"matrix":[[1],[2.0]],"lines":[]}] x`))
	f.Add([]byte(`[{"id":"a","total":1,"extra":{"b":"\ud83d\ude00","a":{},"b":[1e9]},"lines":[],"at":"\ud800"}]`))
	f.Fuzz(func(t *testing.T, output []byte) {
		response := operation.AppendResponse(nil, []Result{{Output: output}})
		data, gotErrors := read(t, response)
		o := &oracle{schema: schema.doc, document: doc, listItems: 1 << 30, results: []Result{{Output: output}}}
		if want := o.execute(); tokens(data) != tokens([]byte(want)) || !slices.Equal(gotErrors, o.reported()) {
			t.Fatalf("%q\ngives %s\nwant %s\nerrors %q\nwant   %q", output, data, want, gotErrors, o.reported())
		}
	})
}

// FuzzPrepare asks that any text is answered, the same each time, and that
// what is accepted can be bound and projected.
func FuzzPrepare(f *testing.F) {
	schema := shopForFuzz(f)
	r := &random{Rand: rand.New(rand.NewPCG(3, 4)), schema: schema.doc}
	for range 20 {
		f.Add(r.query())
	}
	f.Add(`subscription($i: ID = "x") { a: orderUpdated(id: $i, status: OPEN) { id } }`)
	f.Add(`query($f: Filter = {range: {to: 1}}) { orders(filter: $f, extra: {a: [$f]}) { id } __type(name: "T") { name } }`)
	f.Add(`{ a: number a: secret x: node { ... on Order { id: total } id } }`)
	f.Fuzz(func(t *testing.T, query string) {
		plan, errs := schema.Prepare(query, "", Limits{})
		_, again := schema.Prepare(query, "", Limits{})
		if (plan == nil) == (errs == nil) || string(errs.Append(nil)) != string(again.Append(nil)) {
			t.Fatalf("plan %v, errors %s, then %s", plan, errs.Append(nil), again.Append(nil))
		}
		if plan == nil {
			if !json.Valid(errs.Append(nil)) || errs[0].Code == abi.CodeInternal {
				t.Fatalf("errors %s", errs.Append(nil))
			}
			return
		}
		operation, errs := plan.Bind(nil, func(string) bool { return true }, Limits{})
		if errs != nil {
			return
		}
		for _, root := range operation.Roots() {
			if !json.Valid(root.Arguments.JSON()) {
				t.Fatalf("arguments %s", root.Arguments.JSON())
			}
		}
		if response := operation.AppendResponse(nil, make([]Result, len(operation.Roots()))); !json.Valid(response) {
			t.Fatalf("response %s", response)
		}
	})
}

// FuzzOverlap compares the rule about overlapping fields with gqlparser's.
func FuzzOverlap(f *testing.F) {
	schema := shopForFuzz(f)
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareOverlap(t, schema, seed) })
}

func TestOverlapRandom(t *testing.T) {
	schema := shopForFuzz(t)
	conflicts := 0
	for seed := range uint64(1500) {
		if compareOverlap(t, schema, seed) {
			conflicts++
		}
	}
	if conflicts < 50 || conflicts > 1350 {
		t.Errorf("%d of 1500 conflict", conflicts)
	}
}

// aliased finds fields without an alias.
var aliased = regexp.MustCompile(`[^:] (total|count|id|note|name|best|customer)[ {]`)

func compareOverlap(t *testing.T, schema *Schema, seed uint64) bool {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 2)), schema: schema.doc}
	query := r.query()
	// Aliases of different fields make conflicts.
	for range 1 + r.IntN(2) {
		count := r.IntN(3)
		query = aliased.ReplaceAllStringFunc(query, func(field string) string {
			if count--; count != 0 {
				return field
			}
			return field[:1] + " " + []string{"id", "x", "tags0", "customer"}[r.IntN(4)] + ":" + field[1:]
		})
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	events := &core.Events{}
	rules.OverlappingFieldsCanBeMergedRule.RuleFunc(events, func(...core.ErrorOption) { found++ })
	core.Walk(schema.doc, doc, events)
	rule := overlap{schema: schema}
	errs := rule.check(doc.Operations[0])
	if (found > 0) != (len(errs) > 0) {
		t.Fatalf("seed %d: %s\ngqlparser finds %d, this rule %s", seed, query, found, errs.Append(nil))
	}
	return found > 0
}

// FuzzCompose asks that any SDL is answered, and that what composes prints as
// SDL that composes to the same.
func FuzzCompose(f *testing.F) {
	f.Add(Shop)
	f.Add(`extend type Query { a: A @requires(permission: "p") } union A = B type B implements I @deprecated { x(y: In = {z: [1]}): [[E!]]! } interface I { x: Int } input In { z: [Int] = [2] } enum E { F }`)
	f.Add(`type Subscription { s(a: ID): Int @on(channel: "c", key: "a.b") @match(path: "x", arg: "a") } directive @d(x: [Int] = 1) repeatable on FIELD`)
	f.Add("\"\"\"\n block \\\"\"\" \"\"\" scalar S @specifiedBy(url: \"u\") type Query { \"d\" a: S }")
	f.Fuzz(func(t *testing.T, sdl string) {
		schema, resolvers := composeAll(sdl)
		if schema == nil {
			return
		}
		if schema.roots["Query._runnel"] == nil && schema.doc.Query.Fields.ForName(placeholder) != nil {
			return // the placeholder is not to be declared
		}
		again, err := Compose([]Source{{Module: "m", SDL: schema.SDL(), Resolvers: resolvers}}, ComposeLimits{})
		if err != nil {
			t.Fatalf("%v in\n%s", err, schema.SDL())
		}
		for name, def := range schema.doc.Types {
			// The printer moves the white space of descriptions.
			if other := again.doc.Types[name]; other == nil || canonicalType(def) != canonicalType(other) {
				t.Fatalf("%s differs in\n%s, and then\n%s", name, schema.SDL(), again.SDL())
			}
		}
		schema.introspection()
	})
}

// composeAll composes a module that exports every resolver it needs.
func composeAll(sdl string) (*Schema, []string) {
	var resolvers []string
	schema, err := Compose([]Source{{Module: "m", SDL: sdl}}, ComposeLimits{})
	if problems := new(ComposeError); errors.As(err, &problems) {
		for _, p := range problems.Problems {
			if strings.Contains(p.Message, "cannot be validated") {
				panic(p.Message)
			}
			if m := needed.FindStringSubmatch(p.Message); m != nil {
				resolvers = append(resolvers, m[1])
			}
		}
		schema, _ = Compose([]Source{{Module: "m", SDL: sdl, Resolvers: resolvers}}, ComposeLimits{})
	}
	return schema, resolvers
}

var needed = regexp.MustCompile(`exports no "(.*)"$`)
