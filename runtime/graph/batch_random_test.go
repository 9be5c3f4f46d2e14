package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// objectFields are fields of Shop that a module may resolve.
var objectFields = []string{
	"Order.id", "Order.tags", "Order.secret", "Order.total", "Order.note", "Order.lines", "Order.matrix", "Order.customer", "Order.parent", "Order.extra", "Order.node",
	"Line.sku", "Customer.id", "Customer.name", "Customer.best",
}

// TestBatchesGiveWhatMembersGive has resolvers that put out, for each parent, the
// member that is named like the field: the response is then the one of a schema
// in which fields are read from their parents, byte for byte.
func TestBatchesGiveWhatMembersGive(t *testing.T) {
	plain := shopForFuzz(t)
	values := 0
	for set := range uint64(15) {
		r := &random{Rand: rand.New(rand.NewPCG(set, 3)), schema: plain.doc}
		exports := slices.Clone(ShopResolvers)
		for _, f := range objectFields {
			if r.IntN(3) > 0 {
				exports = append(exports, f)
			}
		}
		batched, err := Compose([]Source{{Module: "shop", SDL: Shop, Resolvers: exports}}, ComposeLimits{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 15 {
			query, variables := r.query(), fmt.Sprintf(`{"a":%v,"b":%v}`, r.IntN(2) == 0, r.IntN(2) == 0)
			may := func(p string) bool { return p == "secret" || n%2 == 0 }
			operation := bindRandom(t, plain, query, variables, may)
			var results []Result
			for _, root := range operation.Roots() {
				results = append(results, Result{Output: []byte(r.output(plain.doc.Query.Fields.ForName(root.Field.Name).Type, 6))})
			}
			want := operation.AppendResponse(nil, results)

			e := bindRandom(t, batched, query, variables, may).Begin(results, ExecutionLimits{ParentsPerRun: 1 + r.IntN(5), OutputBytes: 1 << 30})
			for batches := e.Next(); batches != nil; batches = e.Next() {
				for _, b := range batches {
					b.Resolve(Result{Output: membersOf(b)})
					values += b.Len()
				}
			}
			if got := e.AppendResponse(nil); !bytes.Equal(got, want) {
				t.Fatalf("set %d: %s\nvariables %s, resolvers %v, outputs %s\ngives %s\nwant  %s", set, query, variables, exports, results, got, want)
			}
		}
	}
	if values < 500 {
		t.Errorf("only %d values were resolved", values)
	}
}

func bindRandom(t *testing.T, s *Schema, query, variables string, may func(string) bool) *Operation {
	t.Helper()
	plan, errs := s.Prepare(query, "", Limits{})
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	operation, errs := plan.Bind([]byte(variables), may, Limits{})
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	return operation
}

// membersOf is a batch's resolver: the member of each parent that is named like
// the field.
func membersOf(b *Batch) []byte {
	var doc jsondoc.Document
	if err := doc.Parse(b.AppendParents(nil), jsondoc.Options{AllowDuplicateKeys: true, MaxDepth: 100}); err != nil {
		panic(err)
	}
	output := []byte{'['}
	for n := uint32(1); n < doc.Nodes[0].Next; n = doc.Nodes[n].Next {
		if n > 1 {
			output = append(output, ',')
		}
		if member, ok := doc.Member(n, b.Field().Name); ok {
			output = append(output, doc.Raw(member)...)
		} else {
			output = append(output, "null"...)
		}
	}
	return append(output, ']')
}

// FuzzBatch gives every batch any output at all.
func FuzzBatch(f *testing.F) {
	schema, err := Compose([]Source{{Module: "shop", SDL: Shop, Resolvers: append(slices.Clone(ShopResolvers), objectFields...)}}, ComposeLimits{})
	if err != nil {
		f.Fatal(err)
	}
	plan, errs := schema.Prepare(`{ orders { total extra customer { id best { id lines { sku } } } node { id ... on Order { matrix } } } }`, "", Limits{})
	if errs != nil {
		f.Fatal(errs)
	}
	operation, errs := plan.Bind(nil, nil, Limits{})
	if errs != nil {
		f.Fatal(errs)
	}
	r := &random{Rand: rand.New(rand.NewPCG(1, 2)), schema: schema.doc}
	for _, name := range []string{"Order", "Customer", "Line"} {
		for _, field := range schema.doc.Types[name].Fields {
			f.Add([]byte("[" + r.output(field.Type, 4) + "," + r.output(field.Type, 4) + "]"))
		}
	}
	f.Add([]byte(`[{"@error":{"message":"no","extensions":{"code":"X","a":[1,{}]}}},{"\u0040error":{"message":1}}]`))
	f.Add([]byte(`[{"id":1,"lines":[]},{"__typename":"Order"}] `))
	f.Fuzz(func(t *testing.T, output []byte) {
		e := operation.Begin([]Result{{Output: []byte(`[{"id":1},null,{"id":2}]`)}}, ExecutionLimits{ParentsPerRun: 2, OutputBytes: 1 << 20})
		levels := 0
		for batches := e.Next(); batches != nil; batches = e.Next() {
			for _, b := range batches {
				if parents := b.AppendParents(nil); b.Len() < 1 || b.Len() > 2 || !json.Valid(parents) {
					t.Fatalf("%d parents: %s", b.Len(), parents)
				}
				b.Resolve(Result{Output: output})
			}
			levels++
		}
		if response := e.AppendResponse(nil); !json.Valid(response) || bytes.Contains(response, []byte(`"INTERNAL"`)) || levels > 4 {
			t.Fatalf("%d levels, response %s", levels, response)
		}
	})
}
