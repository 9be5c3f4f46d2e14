package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
)

// BenchmarkBatches compares a list whose elements have a field that one batch
// resolves with the same response read from members alone.
func BenchmarkBatches(b *testing.B) {
	const sdl = `type Order { id: ID! customer: Customer } type Customer { name: String } type Query { orders: [Order] }`
	for _, parents := range []int{1, 1000} {
		customers := "[" + strings.TrimSuffix(strings.Repeat(`{"name":"Ada"},`, parents), ",") + "]"
		for _, kind := range []string{"members", "batch"} {
			b.Run(fmt.Sprintf("%d parents/%s", parents, kind), func(b *testing.B) {
				resolvers, order := []string{"Query.orders"}, `{"id":"1","customer":{"name":"Ada"}},`
				if kind == "batch" {
					resolvers, order = append(resolvers, "Order.customer"), `{"id":"1"},`
				}
				schema, err := graph.Compose([]graph.Source{source("m", sdl, resolvers...)}, graph.ComposeLimits{})
				if err != nil {
					b.Fatal(err)
				}
				operation := bind(b, prepare(b, schema, `{ orders { id customer { name } } }`), "", "")
				results := outputs("[" + strings.TrimSuffix(strings.Repeat(order, parents), ",") + "]")
				var dst, input []byte
				b.ReportAllocs()
				for b.Loop() {
					if !operation.HasBatches() {
						dst = operation.AppendResponse(dst[:0], results)
						continue
					}
					e := operation.Begin(results, graph.ExecutionLimits{ParentsPerRun: 1000, OutputBytes: 1 << 30})
					for batches := e.Next(); len(batches) > 0; batches = e.Next() {
						for _, batch := range batches {
							input = batch.AppendParents(input[:0])
							batch.Resolve(graph.Result{Output: []byte(customers)})
						}
					}
					dst = e.AppendResponse(dst[:0])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*parents), "ns/parent")
			})
		}
	}
}
