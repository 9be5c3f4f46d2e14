//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// servers builds all servers that can run here, and returns the directory of the
// programs, and the names.
func servers(t *testing.T) (bin, names string) {
	t.Helper()
	bin = t.TempDir()
	build := func(module, program, path string) {
		if out, err := exec.Command("go", "build", "-C", module, "-o", filepath.Join(bin, program), path).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	build("../..", "runnel-server", "./cmd/server")
	build("floor", "bench-floor", ".")
	names = "runnel,floor"
	if _, err := os.Stat("gqlgen/graph/generated.go"); err == nil {
		build("gqlgen", "bench-gqlgen", ".")
		names += ",gqlgen"
	}
	if _, err := os.Stat("graphqlws/node_modules"); err == nil {
		names += ",node"
	}
	return bin, names
}

// arguments make everything small.
func arguments(bin, names string) []string {
	return []string{
		"-bin", bin, "-graphqlws", "graphqlws", "-only", names, "-rounds", "1", "-turn", "200ms", "-settle", "50ms",
		"-broadcast", "40", "-idle", "40", "-selective", "40", "-rate", "20", "-batches", "20", "-batch", "10",
	}
}

func TestSmoke(t *testing.T) {
	bin, names := servers(t)
	var table, log bytes.Buffer
	for parts, only := range map[string]string{"broadcast,idle,selective": names, "stalled": "runnel"} {
		if err := run(t.Context(), append(arguments(bin, only), "-parts", parts), &table, &log); err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
	}
	for _, name := range strings.Split(names, ",") {
		for _, row := range []string{"server CPU per message, " + name, "with a subscription, " + name} {
			if !strings.Contains(table.String(), row) {
				t.Errorf("no row %q", row)
			}
		}
	}
	for _, row := range []string{"server CPU per event, runnel", "runnel / floor", "with / without, runnel"} {
		if !strings.Contains(table.String(), row) {
			t.Errorf("no row %q", row)
		}
	}
	noChildren(t)
	t.Logf("\n%s", &table)
}

func TestInterruptLeavesNoProcess(t *testing.T) {
	bin, _ := servers(t)
	ctx, cancel := context.WithCancel(t.Context())
	log := &waiter{text: "a message", reached: cancel}
	err := run(ctx, append(arguments(bin, "runnel,floor"), "-rounds", "1000"), &bytes.Buffer{}, log)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	noChildren(t)
}

// waiter calls reached once a text was written.
type waiter struct {
	text    string
	reached func()
}

func (w *waiter) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.text)) {
		w.reached()
	}
	return len(b), nil
}

func noChildren(t *testing.T) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	if err != nil || len(lists) == 0 {
		t.Fatalf("no lists of children: %v", err)
	}
	for _, list := range lists {
		if children, err := os.ReadFile(list); err == nil && len(children) > 0 {
			t.Errorf("processes are left: %s", children)
		}
	}
}

func TestProcessorTimeOfAnotherProcess(t *testing.T) {
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	var used time.Duration
	var err error
	for used < 50*time.Millisecond && err == nil {
		used, err = processorTime(busy.Process.Pid)
	}
	if err != nil {
		t.Error(err)
	}
	if err := busy.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = busy.Wait() // killed
	if used, err := processorTime(busy.Process.Pid); err == nil {
		t.Errorf("a process that has ended has used %v", used)
	}
}
