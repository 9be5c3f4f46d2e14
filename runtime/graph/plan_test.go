package graph_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlanGolden compiles each query of testdata/plans to what is beside it.
func TestPlanGolden(t *testing.T) {
	queries, err := filepath.Glob("testdata/plans/*.graphql")
	if err != nil || len(queries) == 0 {
		t.Fatalf("no queries: %v", err)
	}
	schema := shopSchema(t)
	for _, path := range queries {
		name := strings.TrimSuffix(filepath.Base(path), ".graphql")
		t.Run(name, func(t *testing.T) {
			query, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("plans", name+".plan"), []byte(prepare(t, schema, string(query)).Dump()))
		})
	}
}
