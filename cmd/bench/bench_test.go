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

// bin is the directory of the programs, and peers are those that can run here, as
// TestMain finds them.
var bin, peers = "", []string{"floor"}

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	if bin, err = os.MkdirTemp("", "runnel-bench"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(bin)) }()
	programs := [][3]string{{"../..", "runnel-server", "./cmd/server"}, {"floor", "bench-floor", "."}}
	if _, err := os.Stat("gqlgen/graph/generated.go"); err == nil {
		programs, peers = append(programs, [3]string{"gqlgen", "bench-gqlgen", "."}), append(peers, "gqlgen")
	}
	for name, packages := range map[string]string{"node": "newest", "graphql16": "graphql16"} {
		if _, err := os.Stat(filepath.Join("graphqlws", packages, "node_modules")); err == nil {
			peers = append(peers, name)
		}
	}
	for _, p := range programs {
		if out, err := exec.Command("go", "build", "-C", p[0], "-o", filepath.Join(bin, p[1]), p[2]).CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build %s: %w\n%s", p[1], err, out)
		}
	}
	return m.Run(), nil
}

// small has everything in small.
func small(arguments ...string) []string {
	return append([]string{
		"-bin", bin, "-graphqlws", "graphqlws", "-rounds", "1", "-turn", "200ms", "-settle", "50ms",
		"-connections", "40", "-rate", "20", "-batches", "20", "-batch", "10",
	}, arguments...)
}

func TestSmoke(t *testing.T) {
	var table, log bytes.Buffer
	names := "runnel," + strings.Join(peers, ",")
	for parts, only := range map[string]string{"broadcast,idle,selective": names, "stalled": "runnel"} {
		if err := run(t.Context(), small("-parts", parts, "-only", only), &table, &log); err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
	}
	for _, name := range strings.Split(names, ",") {
		if row := "server CPU per message, " + name; !strings.Contains(table.String(), row) {
			t.Errorf("no row %q", row)
		}
	}
	for _, row := range []string{"with a subscription, runnel", "server CPU per event, runnel", "runnel / floor", "with / without, runnel"} {
		if !strings.Contains(table.String(), row) {
			t.Errorf("no row %q", row)
		}
	}
	noChildren(t)
	t.Logf("\n%s", &table)
}

func TestInterruptLeavesNoProcess(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := &waiter{text: "a message", reached: cancel}
	err := run(ctx, small("-only", "runnel,floor", "-rounds", "1000"), &bytes.Buffer{}, log)
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
