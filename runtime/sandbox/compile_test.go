package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/plugins/examples"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// engineOf returns an Engine with a Config of its own.
func engineOf(t testing.TB, c sandbox.Config) *sandbox.Engine {
	t.Helper()
	e, err := sandbox.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// echo is a small module; those of different texts are different uploads.
func echo(text string) []byte {
	g := sandboxtest.New(schema)
	g.Custom("text", []byte(text))
	return g.Resolver("Subscription.f", g.Output(`"`+text+`"`)).Bytes()
}

// says holds that the module's resolver gives the text.
func says(t testing.TB, m *sandbox.Module, text string) {
	t.Helper()
	b := poolOf(t, m, "", limits())
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	if r := run(b, "Subscription.f", event(`{}`)); string(r.Output) != `"`+text+`"` {
		t.Errorf("got %s, %s", describe(r), r.Output)
	}
}

func TestChildCompiles(t *testing.T) {
	e := engineOf(t, sandbox.Config{CompileInChild: true})
	m, err := e.Load(context.Background(), echo("hello"))
	if err != nil {
		t.Fatal(err)
	}
	says(t, m, "hello")
	same, err := newEngine(t).Load(context.Background(), echo("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if m.Digest() != same.Digest() || m.Schema() != same.Schema() || m.Size() != same.Size() ||
		m.MemoryBytes() != same.MemoryBytes() || !reflect.DeepEqual(m.Resolvers(), same.Resolvers()) {
		t.Errorf("from a child %+v, in process %+v", m, same)
	}
}

func TestChildRefusesTheSame(t *testing.T) {
	foreign := w.New()
	foreign.Import("env", "abort", nil, nil)
	mistyped := w.New()
	mistyped.Memory(1)
	mistyped.Custom(abi.SchemaSection, []byte(schema))
	mistyped.Function(nil, w.I32s(1), nil, w.I64Const(1))
	child := engineOf(t, sandbox.Config{CompileInChild: true})
	for name, binary := range map[string][]byte{
		"empty": nil, "no wasm": []byte("no wasm"), "foreign": foreign.Bytes(), "mistyped": mistyped.Bytes(), "cut": echo("hello")[:50],
	} {
		_, err := child.Load(context.Background(), binary)
		var got, want *sandbox.AdmissionError
		if !errors.As(err, &got) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err = newEngine(t).Load(context.Background(), binary); !errors.As(err, &want) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: from a child %+v, in process %+v", name, got, want)
		}
	}
}

// costly is a module that takes a compiler a while.
func costly() []byte {
	g := sandboxtest.New(schema)
	for range 400 {
		code := w.Code{}
		for n := range 200 {
			code = w.Join(code, w.LocalGet(uint32(n%5)), w.I32Const(int32(n)), w.Op(wasm.OpI32Mul), w.LocalSet(uint32((n+1)%5)))
		}
		g.Function(nil, w.I32s(1), w.I32s(5), code, w.LocalGet(0))
	}
	return g.Resolver("Subscription.f", g.Output(`"costly"`)).Bytes()
}

func TestChildOverItsLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits sandbox.CompileLimits
		want   string
	}{
		"CPU time": {sandbox.CompileLimits{CPU: 20 * time.Millisecond, CPUPerMiB: 1, Wall: 1e4}, "20ms of CPU time"},
		"memory":   {sandbox.CompileLimits{Memory: 1 << 20, MemoryPerMiB: 1}, "1 MiB of memory"},
		"wall":     {sandbox.CompileLimits{CPU: time.Second, CPUPerMiB: 1, Wall: 1e-6}, "more than 1µs"},
	} {
		t.Run(name, func(t *testing.T) {
			e := engineOf(t, sandbox.Config{CompileInChild: true, CompileLimits: c.limits})
			binary := costly()
			_, err := e.Load(context.Background(), binary)
			var refused *sandbox.AdmissionError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if text := err.Error(); !strings.Contains(text, c.want) || !strings.Contains(text, fmt.Sprintf("%d bytes", len(binary))) {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
	e := engineOf(t, sandbox.Config{CompileInChild: true})
	m, err := e.Load(context.Background(), costly())
	if err != nil {
		t.Fatal(err)
	}
	says(t, m, "costly")
}

// script is a program in place of the child.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "child")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

const greet = `printf 'runnel compile 1\n'`

func TestChildThatGoesWrong(t *testing.T) {
	if sandbox.Greeting != "runnel compile 1\n" {
		t.Fatal("the scripts say another greeting")
	}
	for name, c := range map[string]struct{ lines, want string }{
		"killed":             {greet + "; kill -9 $$", "the compiler failed: signal: killed"},
		"crashed":            {greet + "; echo panic: nil map >&2; exit 2", "exit status 2: panic: nil map"},
		"silent":             {greet, "no answer"},
		"unknown answer":     {greet + "; printf 'q'", "begins with 'q'"},
		"cut artifact":       {greet + "; printf 'a12345678'", "not a compiled module"},
		"long artifact":      {greet + "; printf 'a'; head -c 24 /dev/zero; printf '{}'", "not a compiled module"},
		"no summary":         {greet + "; printf 'a'; head -c 24 /dev/zero", "not a compiled module"},
		"no problems":        {greet + "; printf 'r[]'", "answer is cut"},
		"cut problems":       {greet + "; printf 'r[{'", "answer is cut"},
		"an error":           {greet + "; printf 'ebad luck'", "bad luck"},
		"forgotten hook":     {"echo listening on :80; exec sleep 1000", "must call CompileMain"},
		"forgotten, at once": {"exit 0", "must call CompileMain"},
		"forgotten, failed":  {"echo no flags >&2; exit 2", "must call CompileMain"},
		"forgotten, silent":  {"exec sleep 1000", "must call CompileMain"},
	} {
		t.Run(name, func(t *testing.T) {
			e := engineOf(t, sandbox.Config{CompileInChild: true})
			greeting := time.Minute
			if name == "forgotten, silent" {
				greeting = time.Millisecond
			}
			e.SetChild(script(t, c.lines), greeting)
			_, err := e.Load(context.Background(), echo("hello"))
			var refused *sandbox.AdmissionError
			if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if forgotten := strings.HasPrefix(name, "forgotten"); errors.Is(err, sandbox.ErrNoCompileMain) != forgotten {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestChildOverTheKernelsLimits(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"memory": {greet + "; echo 'fatal error: runtime: out of memory' >&2; exit 2", "MiB of memory"},
		"answer": {greet + "; exec cat /dev/zero", "MiB of machine code"},
	} {
		t.Run(name, func(t *testing.T) {
			e := engineOf(t, sandbox.Config{CompileInChild: true})
			e.SetChild(script(t, c.lines), time.Minute)
			_, err := e.Load(context.Background(), echo("hello"))
			var refused *sandbox.AdmissionError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestChildInheritsNothing opens what a server has open, and has the child list
// what it finds.
func TestChildInheritsNothing(t *testing.T) {
	t.Setenv("RUNNEL_ADMIN_TOKEN", "secret")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	e := engineOf(t, sandbox.Config{CompileInChild: true})
	e.SetChild(script(t, greet+"; for f in /proc/$$/fd/*; do readlink $f >&2; done; env >&2; exit 3"), time.Minute)
	_, err = e.Load(context.Background(), echo("hello"))
	if err == nil {
		t.Fatal("the script compiled a module")
	}
	text := err.Error()
	if strings.Contains(text, "socket:") || strings.Contains(text, "secret") || strings.Contains(text, "HOME=") || !strings.Contains(text, "RUNNEL_COMPILE_CHILD=1") {
		t.Errorf("the child sees %s", text)
	}
}

func TestLoadsEnd(t *testing.T) {
	e := engineOf(t, sandbox.Config{CompileInChild: true})
	e.SetChild(script(t, greet+"; exec sleep 1000"), time.Minute)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.Load(ctx, echo("hello")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a load that was given up: %v", err)
	}
	closing := engineOf(t, sandbox.Config{CompileInChild: true})
	started := filepath.Join(t.TempDir(), "started")
	closing.SetChild(script(t, "touch "+started+"; "+greet+"; exec sleep 1000"), time.Minute)
	loaded := make(chan error)
	go func() {
		_, err := closing.Load(context.Background(), echo("hello"))
		loaded <- err
	}()
	for {
		if _, err := os.Stat(started); err == nil {
			break
		}
		select {
		case err := <-loaded:
			t.Fatalf("the child was not started: %v", err)
		default:
		}
	}
	if err := closing.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-loaded; !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("a load during Close: %v", err)
	}
}

func TestChildCompilesExamples(t *testing.T) {
	e := engineOf(t, sandbox.Config{CompileInChild: true})
	for _, binary := range [][]byte{examples.OrdersRust, examples.OrdersAssemblyScript} {
		if _, err := e.Load(context.Background(), binary); err != nil {
			t.Error(err)
		}
		if _, err := e.Load(context.Background(), bytes.Clone(binary)); err != nil {
			t.Error(err)
		}
	}
}
