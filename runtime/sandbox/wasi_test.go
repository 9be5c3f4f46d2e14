package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/sandbox/sandboxtest"
	"github.com/runnel-dev/runnel/runtime/wasm"
	w "github.com/runnel-dev/runnel/runtime/wasm/wasmtest"
)

// wasiGuest is a guest that imports all of WASI preview 1.
type wasiGuest struct {
	*sandboxtest.Guest
	wasi map[string]uint32
	next uint32
}

// scratch is where functions of WASI write to in these tests, besides Buffer.
const scratch = 30000

func newWASIGuest(sdl string) *wasiGuest {
	g := &wasiGuest{Guest: sandboxtest.New(sdl), wasi: map[string]uint32{}, next: 8192}
	for _, i := range abi.WASIImports() {
		params := w.I32s(len(i.Params))
		for n, letter := range i.Params {
			if letter == 'I' {
				params[n] = wasm.I64
			}
		}
		g.wasi[i.Name] = g.Import(abi.WASIModuleName, i.Name, params, w.I32s(i.Results))
	}
	return g
}

// invoke calls a function with constants and leaves its errno, if it has one.
func (g *wasiGuest) invoke(name string, arguments ...int64) w.Code {
	i, _ := abi.LookupWASIImport(name)
	if len(i.Params) != len(arguments) {
		panic(name)
	}
	var code w.Code
	for n, letter := range i.Params {
		if letter == 'I' {
			code = w.Join(code, w.I64Const(arguments[n]))
		} else {
			code = w.Join(code, w.I32Const(int32(arguments[n])))
		}
	}
	return w.Join(code, w.Call(g.wasi[name]))
}

// put places bytes in memory and returns their address.
func (g *wasiGuest) put(text []byte) int64 {
	at := g.next
	g.Data(at, text)
	g.next += uint32(len(text)+7) &^ 7
	return int64(at)
}

// vectors places a list of buffers in memory and returns its address.
func (g *wasiGuest) vectors(texts ...string) int64 {
	var list []byte
	for _, text := range texts {
		list = binary.LittleEndian.AppendUint32(list, uint32(g.put([]byte(text))))
		list = binary.LittleEndian.AppendUint32(list, uint32(len(text)))
	}
	return g.put(list)
}

// print writes texts to a stream, as one list of buffers.
func (g *wasiGuest) print(fd int64, texts ...string) w.Code {
	return w.Join(g.invoke("fd_write", fd, g.vectors(texts...), int64(len(texts)), scratch), w.Drop())
}

// answer puts out the errno on the stack, 2 bytes, and n bytes of memory.
func (g *wasiGuest) answer(call w.Code, from, n int64) w.Code {
	return w.Join(call, w.LocalSet(0),
		w.I32Const(sandboxtest.Buffer), w.LocalGet(0), w.OpMemory(wasm.OpI32Store16, 1, 0),
		w.I32Const(sandboxtest.Buffer+2), w.I32Const(int32(from)), w.I32Const(int32(n)), w.MemoryCopy(),
		w.I32Const(sandboxtest.Buffer), w.I32Const(int32(n+2)), w.Call(g.Host[abi.ImportOutput]), w.I32Const(1))
}

const metaTime = "2026-01-02T03:04:05.678Z"

func metaNanos(t testing.TB) uint64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, metaTime)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(at.UnixNano())
}

func withMeta(id string) fixed {
	in := event("1")
	in.inputs[abi.InputMeta] = fmt.Sprintf(`{"id":%q,"channel":"c","time":%q}`, id, metaTime)
	return in
}

func little(values ...uint64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}

// TestWASI calls every function, with what a library passes and with what only
// a hostile guest does; whatever a function wrote is gone for the next run.
func TestWASI(t *testing.T) {
	const (
		badf, inval, notDir, notSock, notSup, sPipe = 8, 28, 54, 57, 58, 70
		end                                         = 65536 // of memory
		far                                         = 0xfffffff0
	)
	g := newWASIGuest(schema)
	now := metaNanos(t)
	random, _ := randomStream("e1")
	g.Data(scratch, bytes.Repeat([]byte{0xee}, 64)) // so that zeros are seen as well
	type arguments = []int64
	cases := []struct {
		call      string
		arguments arguments
		errno     int64
		want      []byte // what lies at scratch afterwards
		trap      string // found in the fault instead
	}{
		{"args_get", arguments{far, far}, 0, nil, ""},
		{"args_sizes_get", arguments{scratch, scratch + 4}, 0, little(0), ""},
		{"args_sizes_get", arguments{scratch, 40000}, 0, little(0)[:4], ""},
		{"args_sizes_get", arguments{scratch, end - 3}, 0, nil, "4 bytes at 65533 lies outside"},
		{"environ_get", arguments{far, far}, 0, nil, ""},
		{"environ_sizes_get", arguments{scratch, scratch + 4}, 0, little(0), ""},
		{"environ_sizes_get", arguments{far, scratch}, 0, nil, "outside the memory"},
		{"clock_res_get", arguments{0, scratch}, 0, little(1e6), ""},
		{"clock_res_get", arguments{1, scratch}, 0, little(1e6), ""},
		{"clock_res_get", arguments{2, far}, inval, nil, ""},
		{"clock_res_get", arguments{0, end - 7}, 0, nil, "outside the memory"},
		{"clock_time_get", arguments{0, -1, scratch}, 0, little(now), ""},
		{"clock_time_get", arguments{1, 0, scratch}, 0, little(now + 1), ""},
		{"clock_time_get", arguments{3, 0, far}, inval, nil, ""},
		{"clock_time_get", arguments{-1, 0, far}, inval, nil, ""},
		{"clock_time_get", arguments{0, 0, end - 7}, 0, nil, "clock_time_get: the range of 8 bytes at 65529"},
		{"fd_advise", arguments{1, 0, 0, 0}, sPipe, nil, ""},
		{"fd_allocate", arguments{1, 0, -1}, notSup, nil, ""},
		{"fd_close", arguments{2}, 0, nil, ""},
		{"fd_close", arguments{3}, badf, nil, ""},
		{"fd_close", arguments{-1}, badf, nil, ""},
		{"fd_datasync", arguments{1}, 0, nil, ""},
		{"fd_fdstat_get", arguments{0, scratch}, 0, little(2, 2, 0), ""},
		{"fd_fdstat_get", arguments{1, scratch}, 0, little(2, 64, 0), ""},
		{"fd_fdstat_get", arguments{3, far}, badf, nil, ""},
		{"fd_fdstat_get", arguments{1, end - 23}, 0, nil, "outside the memory"},
		{"fd_fdstat_set_flags", arguments{1, 4}, notSup, nil, ""},
		{"fd_fdstat_set_rights", arguments{1, 0, 0}, 0, nil, ""},
		{"fd_filestat_get", arguments{2, scratch}, 0, little(0, 0, 2, 0, 0, 0, 0, 0), ""},
		{"fd_filestat_get", arguments{3, far}, badf, nil, ""},
		{"fd_filestat_get", arguments{2, end - 63}, 0, nil, "outside the memory"},
		{"fd_filestat_set_size", arguments{1, 0}, inval, nil, ""},
		{"fd_filestat_set_times", arguments{1, 0, 0, 0}, notSup, nil, ""},
		{"fd_pread", arguments{0, far, -1, 0, far}, sPipe, nil, ""},
		{"fd_prestat_get", arguments{0, far}, badf, nil, ""},
		{"fd_prestat_get", arguments{3, far}, badf, nil, ""},
		{"fd_prestat_dir_name", arguments{3, far, -1}, badf, nil, ""},
		{"fd_pwrite", arguments{1, far, -1, 0, far}, sPipe, nil, ""},
		{"fd_read", arguments{0, far, -1, scratch}, 0, little(0)[:4], ""},
		{"fd_read", arguments{1, far, -1, far}, badf, nil, ""},
		{"fd_read", arguments{0, far, -1, end - 3}, 0, nil, "outside the memory"},
		{"fd_readdir", arguments{0, far, -1, 0, far}, notDir, nil, ""},
		{"fd_readdir", arguments{3, far, -1, 0, far}, badf, nil, ""},
		{"fd_renumber", arguments{1, 2}, notSup, nil, ""},
		{"fd_seek", arguments{1, 0, 0, far}, sPipe, nil, ""},
		{"fd_sync", arguments{1}, 0, nil, ""},
		{"fd_tell", arguments{0, far}, sPipe, nil, ""},
		{"fd_write", arguments{1, g.vectors("a", "bc\n"), 2, scratch}, 0, little(4)[:4], ""},
		{"fd_write", arguments{2, far, 0, scratch}, 0, nil, "outside the memory"},
		{"fd_write", arguments{2, end, 0, scratch}, 0, little(0)[:4], ""},
		{"fd_write", arguments{0, far, 1, far}, badf, nil, ""},
		{"fd_write", arguments{3, far, 1, far}, badf, nil, ""},
		{"fd_write", arguments{1, end - 8, 2, scratch}, 0, nil, "16 bytes at 65528 lies outside"},
		{"fd_write", arguments{1, 0, 1024, scratch}, 0, little(0)[:4], ""},
		{"fd_write", arguments{1, 0, 1025, scratch}, inval, nil, ""},
		{"fd_write", arguments{1, 0, -1, scratch}, inval, nil, ""},
		{"fd_write", arguments{1, g.put(little(scratch, 0x20_00000000|scratch)), 2, scratch}, 0, little(0x20)[:4], ""},
		{"fd_write", arguments{1, g.put(little(0x20_00000000 | far)), 1, scratch}, 0, nil, "32 bytes at 4294967280 lies outside"},
		{"fd_write", arguments{1, g.put(little(0xffffffff_00000000, 0xffffffff_00000000)), 2, scratch}, inval, nil, ""},
		{"fd_write", arguments{1, g.put(little(far)), 1, scratch}, 0, nil, "0 bytes at 4294967280 lies outside"},
		{"fd_write", arguments{1, g.put(little(0xffffffff_00000000)), 1, scratch}, 0, nil, "outside the memory"},
		{"fd_write", arguments{1, 0, 0, end - 3}, 0, nil, "outside the memory"},
		{"path_create_directory", arguments{3, far, -1}, badf, nil, ""},
		{"path_filestat_get", arguments{3, 0, far, -1, far}, badf, nil, ""},
		{"path_filestat_set_times", arguments{3, 0, far, -1, 0, 0, 0}, badf, nil, ""},
		{"path_link", arguments{3, 0, far, -1, 3, far, -1}, badf, nil, ""},
		{"path_open", arguments{3, 0, far, -1, 0, 0, 0, 0, far}, badf, nil, ""},
		{"path_readlink", arguments{3, far, -1, far, -1, far}, badf, nil, ""},
		{"path_remove_directory", arguments{3, far, -1}, badf, nil, ""},
		{"path_rename", arguments{3, far, -1, 3, far, -1}, badf, nil, ""},
		{"path_symlink", arguments{far, -1, 3, far, -1}, badf, nil, ""},
		{"path_unlink_file", arguments{3, far, -1}, badf, nil, ""},
		{"poll_oneoff", arguments{0, scratch, 0, scratch}, inval, nil, ""},
		{"poll_oneoff", arguments{0, scratch, 1025, scratch}, inval, nil, ""},
		{"poll_oneoff", arguments{0, scratch, -1, scratch}, inval, nil, ""},
		{"poll_oneoff", arguments{end - 47, scratch, 1, scratch}, 0, nil, "48 bytes at 65489 lies outside"},
		{"poll_oneoff", arguments{0, end - 31, 1, scratch}, 0, nil, "32 bytes at 65505 lies outside"},
		{"poll_oneoff", arguments{0, 0, 1, end - 3}, 0, nil, "outside the memory"},
		{"poll_oneoff", arguments{0, 0, 512, scratch}, 0, little(512)[:4], ""}, // events over their own subscriptions
		{"proc_exit", arguments{0}, 0, nil, "proc_exit: the module exited with code 0"},
		{"proc_exit", arguments{-1}, 0, nil, "proc_exit: the module exited with code -1"},
		{"proc_raise", arguments{6}, 0, nil, "proc_raise: the module raised signal 6"},
		{"sched_yield", nil, 0, nil, ""},
		{"random_get", arguments{scratch, 0}, 0, nil, ""},
		{"random_get", arguments{scratch, 24}, 0, random, ""},
		{"random_get", arguments{end, 1}, 0, nil, "outside the memory"},
		{"random_get", arguments{far, 0x20}, 0, nil, "outside the memory"},
		{"random_get", arguments{0, -1}, 0, nil, "outside the memory"},
		{"sock_accept", arguments{3, 0, far}, notSock, nil, ""},
		{"sock_recv", arguments{3, far, -1, 0, far, far}, notSock, nil, ""},
		{"sock_send", arguments{3, far, -1, 0, far}, notSock, nil, ""},
		{"sock_shutdown", arguments{3, 0}, notSock, nil, ""},
	}
	covered := map[string]bool{}
	for n, c := range cases {
		covered[c.call] = true
		call := g.invoke(c.call, c.arguments...)
		if c.call == "proc_exit" {
			call = w.Join(call, w.I32Const(0))
		}
		g.Resolver(fmt.Sprintf("Subscription.f%d", n), g.answer(call, scratch, int64(len(c.want))))
	}
	for _, i := range abi.WASIImports() {
		if !covered[i.Name] {
			t.Errorf("%s is not tested", i.Name)
		}
	}
	g.Resolver("Subscription.memory", w.I32Const(0), w.I32Const(end), w.Call(g.Host[abi.ImportOutput]), w.I32Const(1))
	b := newPool(t, g.Bytes(), "", limits())
	image := run(b, "Subscription.memory", event("1")).Output
	for n, c := range cases {
		if got := run(b, "Subscription.memory", event("1")).Output; !bytes.Equal(got, image) {
			t.Fatalf("memory is changed before %s", c.call)
		}
		r := run(b, fmt.Sprintf("Subscription.f%d", n), withMeta("e1"))
		where := fmt.Sprintf("%s %v", c.call, c.arguments)
		if c.trap != "" {
			if r.Fault == nil || r.Fault.Code != abi.CodeResolverTrap || !strings.Contains(r.Fault.Message, c.trap) {
				t.Errorf("%s: %v, want %q", where, r.Fault, c.trap)
			}
			continue
		}
		want := append(binary.LittleEndian.AppendUint16(nil, uint16(c.errno)), c.want...)
		if r.Fault != nil || !bytes.Equal(r.Output, want) {
			t.Errorf("%s: %v % x, want % x", where, r.Fault, r.Output, want)
		}
	}
}

func lines(b *bench) string {
	var text strings.Builder
	for _, line := range b.log {
		fmt.Fprintf(&text, "%d %s", line.Level, line.Message)
		if line.Truncated {
			text.WriteString(" …")
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// linesAndFault are the log's lines, and the fault that the run ended with.
func linesAndFault(b *bench, r *sandbox.Result) string {
	text := lines(b)
	if r.Fault != nil {
		message, _, _ := strings.Cut(r.Fault.Message, "\nwasm stack trace")
		text += "fault " + message + "\n"
	}
	return text
}

// TestStreamsAreLinesOfTheLog holds how what is written to stdout and stderr
// gets into the log.
func TestStreamsAreLinesOfTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		code func(g *wasiGuest) w.Code
		want string
	}{
		"lines": {func(g *wasiGuest) w.Code {
			return w.Join(g.print(1, "one\ntwo\n", "thr"), g.print(2, "err\n"), g.print(1, "ee\n", "", "\n"))
		}, "1 one\n1 two\n3 err\n1 three\n1 \n"},
		"no end": {func(g *wasiGuest) w.Code {
			return w.Join(g.print(2, "e"), g.print(1, "o"), g.print(2, "rr"))
		}, "1 o\n3 err\n"},
		"not UTF-8": {func(g *wasiGuest) w.Code { return g.print(1, "a\xff\nsm\xc3", "\xb6r\n") }, "1 a\uFFFD\n1 smör\n"},
		"with log": {func(g *wasiGuest) w.Code {
			return w.Join(g.print(1, "a\n"), g.Call(abi.ImportLog, w.I32Const(2), g.Text("b")), g.print(1, "c\n"))
		}, "1 a\n2 b\n1 c\n"},
		// The limit is 100 bytes, with 32 for each line.
		"too long": {func(g *wasiGuest) w.Code { return g.print(1, strings.Repeat("x", 200)+"\nnext\n") }, "1 " + strings.Repeat("x", 68) + " …\n"},
		"too long, twice": {func(g *wasiGuest) w.Code {
			return w.Join(g.print(1, strings.Repeat("x", 60)), g.print(1, strings.Repeat("y", 60)))
		}, "1 " + strings.Repeat("x", 60) + strings.Repeat("y", 8) + " …\n"},
		"too many": {func(g *wasiGuest) w.Code { return g.print(1, strings.Repeat("\n", 1000)) }, "1 \n1 \n1 \n1  …\n"},
		"before a trap": {
			func(g *wasiGuest) w.Code { return w.Join(g.print(1, "so far"), sandboxtest.Trap()) },
			"1 so far\nfault unreachable\n",
		},
		"what a panic says": {func(g *wasiGuest) w.Code {
			return w.Join(g.print(2, "panic: no\n\n"), g.print(2, "at f"), g.invoke("proc_exit", 2))
		}, "3 panic: no\n3 \n3 at f\nfault panic: no\n\nat f\nproc_exit: the module exited with code 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newWASIGuest(schema)
			l := limits()
			if !strings.HasPrefix(name, "too") {
				l.LogBytesPerRun = 1000
			}
			b := newPool(t, g.Resolver("Subscription.f", c.code(g), w.I32Const(0)).Bytes(), "", l)
			for range 2 {
				b.log = nil
				r := run(b, "Subscription.f", event("1"))
				if got := linesAndFault(b, r); got != c.want {
					t.Errorf("log\n%swant\n%s", got, c.want)
				}
			}
			if b.log[0].ID != "e1" {
				t.Errorf("a line of %q", b.log[0].ID)
			}
		})
	}
}

func TestStreamsDoNotFloodTheLog(t *testing.T) {
	g := newWASIGuest(schema)
	forever := func(code w.Code) w.Code { return w.Join(w.Loop(w.Result(), code, w.Br(0)), sandboxtest.Trap()) }
	g.Resolver("Subscription.lines", forever(g.print(2, "a line\n")))
	g.Resolver("Subscription.text", forever(g.print(1, strings.Repeat("x", 10_000))))
	g.Resolver("Subscription.both", forever(w.Join(g.print(1, "a"), g.print(2, "b"))))
	l := limits()
	l.LogBytesPerRun = 10_000
	b := newPool(t, g.Bytes(), "", l)
	for _, resolver := range []string{"Subscription.lines", "Subscription.text", "Subscription.both"} {
		b.log = nil
		r := run(b, resolver, event("1"))
		if r.Fault == nil || r.Fault.Code != abi.CodeFuelExhausted {
			t.Fatalf("%s: %v", resolver, r.Fault)
		}
		if size := len(lines(b)); len(b.log) > 10_000/32 || size > 12_000 {
			t.Errorf("%s: %d lines of %d bytes", resolver, len(b.log), size)
		}
	}
	l.LogBytesPerRun = 0
	b = newPool(t, g.Bytes(), "", l)
	if run(b, "Subscription.text", event("1")); len(b.log) != 0 {
		t.Errorf("with no room for a log: %s", lines(b))
	}
}

// TestTheErrorOfATrapIsTheEndOfStderr has a guest write much more than is kept.
func TestTheErrorOfATrapIsTheEndOfStderr(t *testing.T) {
	g := newWASIGuest(schema)
	g.Resolver("Subscription.f", g.print(2, strings.Repeat("x", 5000)), g.print(2, strings.Repeat("y", 100), "the end"), sandboxtest.Trap())
	r := run(newPool(t, g.Bytes(), "", limits()), "Subscription.f", event("1"))
	if r.Fault == nil || !strings.HasPrefix(r.Fault.Message, "xxx") || !strings.Contains(r.Fault.Message, "yythe end\nunreachable") || len(r.Fault.Message) > 4500 {
		t.Errorf("%v", r.Fault)
	}
}

// randomStream returns the first and the next 24 random bytes for an id.
func randomStream(id string) (first, second []byte) {
	source := rand.NewChaCha8(sha256.Sum256([]byte(id)))
	first, second = make([]byte, 24), make([]byte, 24)
	_, _ = source.Read(first)
	_, _ = source.Read(second)
	return first, second
}

// TestClockAndRandomAreReads holds that a run which looks at the time, or draws
// random numbers, has read meta, and that these are all that meta decides.
func TestClockAndRandomAreReads(t *testing.T) {
	g := newWASIGuest(schema)
	clock := g.invoke("clock_time_get", 0, 0, scratch)
	random := g.invoke("random_get", scratch, 24)
	g.Resolver("Subscription.clock", g.answer(clock, scratch, 8))
	g.Resolver("Subscription.random", g.answer(random, scratch, 24))
	g.Resolver("Subscription.both", clock, w.Drop(), g.answer(w.Join(random, w.Drop(), random), scratch, 24))
	g.Resolver("Subscription.none", g.print(1, "x"), g.answer(g.invoke("sched_yield"), scratch, 0))
	b := newPool(t, g.Bytes(), "", limits())

	first, second := randomStream("e1")
	other, _ := randomStream("e\"2")
	noID, _ := randomStream("")
	for _, c := range []struct {
		resolver string
		in       fixed
		reads    string
		want     []byte
	}{
		{"Subscription.clock", withMeta("e1"), "meta", little(metaNanos(t))},
		{"Subscription.clock", event("1"), "meta", little(0)},
		{"Subscription.random", withMeta("e1"), "meta", first},
		{"Subscription.random", withMeta("e\"2"), "meta", other},
		{"Subscription.random", withMeta("e1"), "meta", first},
		{"Subscription.random", event("1"), "meta", noID},
		{"Subscription.both", withMeta("e1"), "meta", second},
		{"Subscription.none", withMeta("e1"), "", nil},
	} {
		r := run(b, c.resolver, c.in)
		var reads []string
		for _, read := range r.Reads {
			reads = append(reads, read.String())
		}
		if r.Fault != nil || strings.Join(reads, ", ") != c.reads || !bytes.Equal(r.Output, append([]byte{0, 0}, c.want...)) {
			t.Errorf("%s: %v, reads %q, % x, want %q, % x", c.resolver, r.Fault, reads, r.Output, c.reads, c.want)
		}
	}
}

// TestWASIDuringStart holds what _initialize sees: time zero, and numbers that
// its module's digest decides.
func TestWASIDuringStart(t *testing.T) {
	build := func(sdl string) []byte {
		g := newWASIGuest(sdl)
		g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil,
			g.print(1, "starting"),
			g.invoke("clock_time_get", 0, 0, scratch), w.Drop(),
			g.invoke("clock_time_get", 1, 0, scratch+8), w.Drop(),
			g.invoke("random_get", scratch+16, 8), w.Drop()))
		g.Resolver("Subscription.f", g.answer(w.I32Const(0), scratch, 24))
		g.Resolver("Subscription.clock", g.answer(g.invoke("clock_time_get", 0, 0, scratch), scratch, 8))
		return g.Bytes()
	}
	for _, sdl := range []string{schema, schema + "\n"} {
		e := newEngine(t)
		m, err := e.Load(context.Background(), build(sdl))
		if err != nil {
			t.Fatal(err)
		}
		numbers := make([]byte, 8)
		_, _ = rand.NewChaCha8(sha256.Sum256([]byte(m.Digest()))).Read(numbers)
		want := append(append([]byte{0, 0}, little(0, 1)...), numbers...)
		b := poolOf(t, m, "", limits())
		for range 2 {
			r := run(b, "Subscription.f", withMeta("e1"))
			if r.Fault != nil || len(r.Reads) > 0 || !bytes.Equal(r.Output, want) {
				t.Errorf("%v, reads %v, % x, want % x", r.Fault, r.Reads, r.Output, want)
			}
		}
		if got := lines(b); got != "1 starting\n" || b.log[0].ID != "" {
			t.Errorf("log %s", got)
		}
		if r := run(b, "Subscription.clock", withMeta("e1")); !bytes.Equal(r.Output[2:], little(metaNanos(t))) {
			t.Errorf("the clock of a run: % x", r.Output)
		}
	}
}

func TestAnExitDuringStart(t *testing.T) {
	g := newWASIGuest(schema)
	g.ExportFunction(abi.InitializeExport, g.Function(nil, nil, nil, g.print(2, "no config"), g.invoke("proc_exit", 1)))
	r := run(newPool(t, g.Resolver("Subscription.f", w.I32Const(0)).Bytes(), "", limits()), "Subscription.f", event("1"))
	if r.Fault == nil || r.Fault.Code != abi.CodeResolverTrap || !strings.HasPrefix(r.Fault.Message, "_initialize: no config\nproc_exit: the module exited with code 1") {
		t.Errorf("%v", r.Fault)
	}
}

// TestPollNeverWaits holds that what is waited for is there at once, and that
// the clock then says so.
func TestPollNeverWaits(t *testing.T) {
	clock := func(user, id, timeout, flags uint64) []byte { return little(user, 0, id, timeout, 1, flags) }
	file := func(user, kind, fd uint64) []byte { return little(user, kind, fd, 0, 0, 0) }
	ready := func(user, kind, errno uint64) []byte { return little(user, kind<<16|errno, 0, 0) }
	now := metaNanos(t)
	const hour = uint64(time.Hour)
	for name, c := range map[string]struct {
		subscriptions []byte
		events        []byte
		later         uint64 // how much later it is afterwards
	}{
		"a time to wait":           {clock(7, 1, hour, 0), ready(7, 0, 0), hour},
		"the shorter of two":       {append(clock(7, 1, hour, 0), clock(8, 0, 1, 0)...), ready(8, 0, 0), 1},
		"two at once":              {append(clock(7, 1, 5, 0), clock(8, 0, 5, 0)...), append(ready(7, 0, 0), ready(8, 0, 0)...), 5},
		"a time that is over":      {clock(7, 0, 5, 1), ready(7, 0, 0), 0},
		"a time to come":           {clock(7, 0, now+5, 1), ready(7, 0, 0), 5},
		"a monotonic time to come": {clock(7, 1, now+5, 1), ready(7, 0, 0), 4},
		"for ever":                 {clock(7, 0, math.MaxUint64, 0), ready(7, 0, 0), math.MaxUint64 - now},
		"an unknown clock":         {clock(7, 2, hour, 0), ready(7, 0, 28), 0},
		"stdin":                    {append(clock(7, 1, hour, 0), file(8, 1, 0)...), little(8, 1<<16, 0, 1), 0},
		"stdout":                   {file(8, 2, 1), ready(8, 2, 0), 0},
		"no such file":             {append(file(8, 1, 3), file(9, 2, 0)...), append(ready(8, 1, 8), ready(9, 2, 8)...), 0},
		"no such type":             {file(8, 9, 0), ready(8, 9, 28), 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := newWASIGuest(schema)
			const events, count = scratch + 16, scratch + 8
			poll := g.invoke("poll_oneoff", g.put(c.subscriptions), events, int64(len(c.subscriptions)/48), count)
			clock := g.invoke("clock_time_get", 0, 0, scratch)
			g.Resolver("Subscription.f", g.answer(w.Join(poll, clock, w.Op(wasm.OpI32Or)), scratch, int64(16+len(c.events))))
			b := newPool(t, g.Bytes(), "", limits())
			want := append(append([]byte{0, 0}, little(now+c.later, uint64(len(c.events)/32))...), c.events...)
			for range 2 { // the next run starts at its meta's time again
				if r := run(b, "Subscription.f", withMeta("e1")); r.Fault != nil || !bytes.Equal(r.Output, want) {
					t.Errorf("%v\n % x, want\n % x", r.Fault, r.Output, want)
				}
			}
		})
	}
}

// TestWASIIsPaidFor holds that what a call costs grows with what it does.
func TestWASIIsPaidFor(t *testing.T) {
	fuel := func(build func(g *wasiGuest) w.Code) int64 {
		g := newWASIGuest(schema)
		l := limits()
		l.LogBytesPerRun = 1 << 20
		r := run(newPool(t, g.Resolver("Subscription.f", build(g), w.I32Const(0)).Bytes(), "", l), "Subscription.f", withMeta("e1"))
		if r.Fault != nil {
			t.Fatal(r.Fault)
		}
		return r.Fuel
	}
	for name, c := range map[string]struct {
		few, many func(g *wasiGuest) w.Code
		least     int64
	}{
		"a call": {
			func(*wasiGuest) w.Code { return nil },
			func(g *wasiGuest) w.Code { return w.Join(g.invoke("sched_yield"), w.Drop()) }, 64,
		},
		"buffers": {
			func(g *wasiGuest) w.Code { return g.print(1, "") },
			func(g *wasiGuest) w.Code { return g.print(1, make([]string, 1024)...) }, 16 * 1023,
		},
		"text": {
			func(g *wasiGuest) w.Code { return g.print(1, "\n") },
			func(g *wasiGuest) w.Code { return g.print(1, strings.Repeat("x", 1600)+"\n") }, 100,
		},
		"text on stderr": {
			func(g *wasiGuest) w.Code { return g.print(1, strings.Repeat("x", 1600)) },
			func(g *wasiGuest) w.Code { return g.print(2, strings.Repeat("x", 1600)) }, 100,
		},
		"lines": {
			func(g *wasiGuest) w.Code { return g.print(1, "\n") },
			func(g *wasiGuest) w.Code { return g.print(1, strings.Repeat("\n", 11)) }, 640,
		},
		"random bytes": {
			func(g *wasiGuest) w.Code { return w.Join(g.invoke("random_get", scratch, 0), w.Drop()) },
			func(g *wasiGuest) w.Code { return w.Join(g.invoke("random_get", scratch, 4000), w.Drop()) }, 4000,
		},
		"subscriptions": {
			func(g *wasiGuest) w.Code { return w.Join(g.invoke("poll_oneoff", 0, 0, 1, scratch), w.Drop()) },
			func(g *wasiGuest) w.Code { return w.Join(g.invoke("poll_oneoff", 0, 0, 101, scratch), w.Drop()) }, 1600,
		},
	} {
		if few, many := fuel(c.few), fuel(c.many); many-few < c.least {
			t.Errorf("%s: %d units, and %d; want %d more", name, few, many, c.least)
		}
	}
}

func TestWASIAllocatesNothing(t *testing.T) {
	g := newWASIGuest(schema)
	g.Resolver("Subscription.f",
		g.invoke("clock_time_get", 0, 0, scratch), w.Drop(), g.invoke("random_get", scratch, 100), w.Drop(),
		g.print(1, "a line\nand a part"), g.print(2, " of one"), w.I32Const(0))
	m, err := newEngine(t).Load(context.Background(), g.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	p := m.Pool(sandbox.PoolConfig{Limits: limits})
	defer func() { _ = p.Close() }()
	r := &sandbox.Result{}
	var in sandbox.Inputs = &fixedMeta{meta: []byte(withMeta("e1").inputs[abi.InputMeta])}
	ctx := context.Background()
	p.Run(ctx, "Subscription.f", in, r)
	if n := testing.AllocsPerRun(100, func() { p.Run(ctx, "Subscription.f", in, r) }); n != 0 || r.Fault != nil {
		t.Errorf("%v allocations per run, %v", n, r.Fault)
	}
}

type fixedMeta struct {
	fixedEvent
	meta []byte
}

func (f *fixedMeta) Input(k abi.Kind) ([]byte, bool) { return f.meta, k == abi.InputMeta }
