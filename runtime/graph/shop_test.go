package graph_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
)

func shopSchema(t testing.TB) *graph.Schema {
	t.Helper()
	schema, err := graph.Compose([]graph.Source{source("shop", graph.Shop, graph.ShopResolvers...)}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// prepare fails the test where the operation is not valid.
func prepare(t testing.TB, schema *graph.Schema, query string) *graph.Plan {
	t.Helper()
	plan, errs := schema.Prepare(query, "", graph.Limits{})
	if errs != nil {
		t.Fatalf("%s: %s", query, errs.Append(nil))
	}
	return plan
}

// bind fails the test where the plan cannot be bound. Permissions are split at
// spaces.
func bind(t testing.TB, plan *graph.Plan, variables, permissions string) *graph.Operation {
	t.Helper()
	operation, errs := plan.Bind([]byte(variables), permitted(permissions), graph.Limits{})
	if errs != nil {
		t.Fatalf("%s", errs.Append(nil))
	}
	return operation
}

func permitted(permissions string) func(string) bool {
	return func(p string) bool {
		for _, have := range strings.Fields(permissions) {
			if have == p {
				return true
			}
		}
		return false
	}
}

func outputs(texts ...string) []graph.Result {
	results := make([]graph.Result, len(texts))
	for i, text := range texts {
		results[i].Output = []byte(text)
	}
	return results
}
