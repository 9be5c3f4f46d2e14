package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
)

// commandLine builds the CLI and returns a function that runs it against the
// server.
func (p *process) commandLine() func(arguments ...string) *exec.Cmd {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "runnel")
	if out, err := exec.Command("go", "build", "-o", path, "../runnel").CombinedOutput(); err != nil {
		p.t.Fatalf("build the command line: %v\n%s", err, out)
	}
	return func(arguments ...string) *exec.Cmd {
		command := exec.CommandContext(p.t.Context(), path, arguments...)
		command.Env = append(os.Environ(), "RUNNEL_SERVER="+p.url)
		command.Dir = filepath.Join("..", "..")
		return command
	}
}

func TestCommandLine(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	runnel := p.commandLine()
	output := func(arguments ...string) string {
		t.Helper()
		out, err := runnel(arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("runnel %q: %v\n%s", arguments, err, out)
		}
		return string(out)
	}
	const rust, script = "plugins/examples/orders-rust/orders-rust.wasm", "plugins/examples/orders-assemblyscript/orders-assemblyscript.wasm"
	if out := output("push", "--tenant", "acme", "--name", "orders", rust); !strings.Contains(out, "Subscription.orderUpdated") {
		t.Errorf("push said %s", out)
	}

	subscribeOverASwap(t, runnel, func() { output("push", "--tenant", "acme", "--name", "orders", script) }, func(id string) {
		output("publish", "--tenant", "acme", "orders", `{"id":"other","customerId":"c2","status":"PAID"}`)
		output("publish", "--tenant", "acme", "orders", `{"id":"`+id+`","customerId":"c1","status":"PAID","note":"ring"}`)
	})

	if out := output("inspect", rust); !strings.Contains(out, "accepted") {
		t.Errorf("inspect said %s", out)
	}
	metered := filepath.Join(t.TempDir(), "metered.wasm")
	output("meter", rust, "-o", metered)
	if info, err := os.Stat(metered); err != nil || info.Size() == 0 {
		t.Errorf("meter wrote %v, %v", info, err)
	}
	p.createTenant("empty", "{}")
	saysWhatToDo(t, runnel)
	if out, err := runnel("push", "--tenant", "acme", "--name", "orders", "README.md").CombinedOutput(); err == nil || !strings.Contains(string(out), "offset 0") {
		t.Errorf("push of a text: %v, %s", err, out)
	}
	g := sandboxtest.New("type Query { order: String }")
	g.Resolver("Query.order", g.Output(`"1"`))
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil, sandboxtest.Trap()))
	traps := filepath.Join(t.TempDir(), "traps.wasm")
	if err := os.WriteFile(traps, g.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runnel("push", "--tenant", "acme", "--name", "orders", traps).CombinedOutput(); err == nil || !strings.Contains(string(out), "_initialize failed after") {
		t.Errorf("push of what does not start: %v, %s", err, out)
	}
}

// saysWhatToDo holds that a refusal names the command that helps. The server's
// sentences and the tool's have to fit for that.
func saysWhatToDo(t *testing.T, runnel func(...string) *exec.Cmd) {
	t.Helper()
	for arguments, want := range map[string]string{
		"modules --tenant none":                "there is no such tenant; runnel tenants lists all",
		"modules show none --tenant acme":      "there is no module none; runnel modules lists all",
		"config orders --tenant acme":          "module orders has no config; runnel config set sets one",
		"keys delete none --tenant acme":       "the tenant has no such key; runnel keys lists all",
		"subscriptions end none --tenant acme": "has no live subscription of this id; runnel subscriptions lists all",
		"tenants create acme":                  "there is a tenant of this id already; runnel tenants set changes its limits",
		"schema --tenant empty":                "no module is active; runnel push uploads one",
		"activate orders 7 --tenant acme":      "\n  digest must be sha256: and 64 hex digits",
	} {
		out, err := runnel(strings.Fields(arguments)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s\nwant %q", arguments, err, out, want)
		}
	}
}

// subscribeOverASwap has the command line subscribe, publishes until it prints,
// swaps the module and publishes again: it prints on, and ends well when
// interrupted.
func subscribeOverASwap(t *testing.T, runnel func(...string) *exec.Cmd, swap func(), publish func(id string)) {
	t.Helper()
	subscribe := runnel("subscribe", "--tenant", "acme", "--permissions", "orders:note",
		"subscription($c: ID) { orderUpdated(customerId: $c) { id note } }", "--variables", `{"c":"c1"}`)
	printed, err := subscribe.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	subscribe.Stderr = &complaints
	if err := subscribe.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(printed); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	line := func(id string) string { return `{"data":{"orderUpdated":{"id":"` + id + `","note":"ring"}}}` }
	for live := false; !live; {
		publish("before")
		select {
		case got, ok := <-lines:
			if live = true; !ok || got != line("before") {
				t.Fatalf("printed %q; it said %s", got, complaints.String())
			}
		default:
		}
	}
	swap()
	publish("after")
	for got := range lines {
		if got == line("after") {
			break
		}
		if got != line("before") {
			t.Fatalf("printed %q", got)
		}
	}
	if err := subscribe.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for range lines {
		t.Error("printed more than was published")
	}
	if err := subscribe.Wait(); err != nil {
		t.Errorf("subscribe: %v, %s", err, complaints.String())
	}
}
