package runtime_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const house = "github.com/runnel-dev/runnel/"

// mayImport is the package map: what each package may import of the house,
// besides abi, which everything may. A package that is not listed may not exist.
var mayImport = map[string][]string{
	"abi":                         {},
	"abi/vectors":                 {},
	"runtime/wasm":                {},
	"runtime/jsondoc":             {},
	"runtime/response":            {},
	"runtime/problem":             {"runtime/response"},
	"runtime/meter":               {"runtime/wasm"},
	"runtime/sandbox":             {"runtime/wasm", "runtime/meter", "runtime/jsondoc"},
	"runtime/graph":               {"runtime/jsondoc"},
	"runtime/event":               {"runtime/jsondoc"},
	"runtime/store":               {},
	"runtime/store/bolt":          {"runtime/store"},
	"runtime/store/memory":        {"runtime/store"},
	"runtime/database":            {},
	"runtime/store/postgres":      {"runtime/database", "runtime/store"},
	"runtime/tenant":              {"runtime/jsondoc", "runtime/store"},
	"runtime/tenant/token":        {"runtime/tenant", "runtime/jsondoc"},
	"runtime/registry":            {"runtime/graph", "runtime/jsondoc", "runtime/sandbox", "runtime/store", "runtime/tenant", "runtime/wasm"},
	"runtime/broker":              {"runtime/graph", "runtime/sandbox", "runtime/tenant", "runtime/event", "runtime/jsondoc"},
	"runtime/ledger":              {"runtime/broker", "runtime/store", "runtime/tenant"},
	"runtime/telemetry":           {"runtime/tenant"},
	"runtime/transport":           {"runtime/graph", "runtime/tenant", "runtime/jsondoc", "runtime/problem", "runtime/response"},
	"runtime/admin":               {"runtime/store", "runtime/broker", "runtime/graph", "runtime/telemetry", "runtime/tenant", "runtime/registry", "runtime/event", "runtime/jsondoc", "runtime/problem", "runtime/response", "runtime/wasm"},
	"runtime":                     {"runtime/..."},
	"cmd/server":                  {"runtime", "runtime/event", "runtime/event/postgres", "runtime/event/redis", "runtime/store", "runtime/store/bolt", "runtime/store/postgres", "runtime/tenant", "plugins/examples"},
	"cmd/runnel":                  {"runtime/store", "runtime/graph", "runtime/wasm", "runtime/meter", "runtime/sandbox", "runtime/tenant", "runtime/problem", "runtime/jsondoc"},
	"plugins/examples":            {},
	"plugins/examples/withschema": {"runtime/wasm"},
	"runtime/event/memory":        {"runtime/event"},
	"runtime/event/redis":         {"runtime/event"},
	"runtime/event/postgres":      {"runtime/database", "runtime/event"},
	// For tests and benchmarks.
	"runtime/bench":                       {},
	"runtime/goldentest":                  {},
	"runtime/admin/admintest":             {},
	"runtime/store/storetest":             {"runtime/store"},
	"runtime/tenant/tenanttest":           {"runtime/store", "runtime/store/memory", "runtime/tenant"},
	"runtime/wasm/wasmtest":               {"runtime/wasm"},
	"runtime/wasm/wasmtest/random":        {"runtime/wasm", "runtime/wasm/wasmtest"},
	"runtime/event/eventtest":             {"runtime/event", "runtime/jsondoc"},
	"runtime/sandbox/sandboxtest":         {"runtime/wasm", "runtime/wasm/wasmtest"},
	"runtime/graph/graphtest/random":      {},
	"runtime/store/postgres/postgrestest": {},
	"runtime/event/redis/redistest":       {},
}

// importers names the packages that may import a large dependency.
var importers = map[string][]string{
	"github.com/tetratelabs/wazero": {"runtime/sandbox"},
	"github.com/vektah/gqlparser":   {"runtime/graph"},
	"github.com/go-jose/go-jose":    {"runtime/tenant/token"},
	"github.com/gorilla/websocket":  {"runtime/transport", "cmd/runnel"},
	"go.etcd.io/bbolt":              {"runtime/store/bolt"},
	"github.com/getkin/kin-openapi": {"runtime/admin/admintest"},
	"golang.org/x/time/rate":        {"runtime/tenant"},
	"github.com/BurntSushi/toml":    {"cmd/server"},
	"github.com/prometheus":         {"runtime/telemetry"},
	"github.com/jackc/pgx":          {"runtime/database", "runtime/store/postgres", "runtime/event/postgres"},
	"github.com/redis/go-redis":     {"runtime/event/redis"},
}

func TestImportRules(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, house+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], house)
		allowed, listed := mayImport[name]
		if !listed {
			t.Errorf("%s is not in the package map: give it a place there and a reason in docs/architecture.md", name)
			continue
		}
		for _, path := range fields[1:] {
			checkImport(t, name, path, allowed)
		}
	}
}

func checkImport(t *testing.T, name, path string, allowed []string) {
	t.Helper()
	if inside, ok := strings.CutPrefix(path, house); ok {
		if inside != "abi" && !slices.Contains(allowed, inside) && !slices.Contains(allowed, "runtime/...") {
			t.Errorf("%s imports %s; it may import abi, %s", name, inside, strings.Join(allowed, ", "))
		}
		return
	}
	if !strings.Contains(strings.Split(path, "/")[0], ".") {
		return // the standard library
	}
	for dependency, may := range importers {
		if strings.HasPrefix(path, dependency) {
			if !slices.Contains(may, name) {
				t.Errorf("%s imports %s; only %s may", name, path, strings.Join(may, ", "))
			}
			return
		}
	}
	t.Errorf("%s imports %s, which is not among the dependencies that were agreed on", name, path)
}
