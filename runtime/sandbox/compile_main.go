package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// What parent and child agree on. They are the same program, but the parent's
// file may have been replaced since it was started.
const (
	childName     = "runnel-compile"
	childVariable = "RUNNEL_COMPILE_CHILD"
	greeting      = "runnel compile 1\n"
)

// How an answer begins, behind the greeting.
const (
	answerArtifact = 'a' // an encoded artifact follows
	answerRefused  = 'r' // the problems, as JSON
	answerExceeded = 'x' // the resource
	answerError    = 'e' // a text
)

// childRequest is the line before the module.
type childRequest struct {
	Options meter.Options
	Limits  childLimits
	Bytes   int // of the module
}

var compileMainCalled atomic.Bool

// CompileMain is the first thing that main calls in a program whose Engines
// compile in child processes. Such a process is this program, started again:
// there CompileMain compiles one module and does not return. Everywhere else it
// returns at once.
func CompileMain() {
	compileMainCalled.Store(true)
	if os.Getenv(childVariable) == "" {
		return
	}
	compileAndExit(build, watchPause)
}

// compileAndExit is the main of a child.
func compileAndExit(work buildFunc, pause time.Duration) {
	if err := compileMain(os.Stdin, os.Stdout, work, pause); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

type buildFunc func(ctx context.Context, binary []byte, o meter.Options, scratch string) (*artifact, error)

// compileMain reads a request and a module and writes what work has made of it.
// Limits are in force before the first byte of the module is read. The child looks
// at what it uses every pause.
func compileMain(in io.Reader, out io.Writer, work buildFunc, pause time.Duration) error {
	if _, err := io.WriteString(out, greeting); err != nil {
		return err
	}
	reader := bufio.NewReader(in)
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var request childRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if err := confine(request.Limits); err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	a := answer{out: out}
	go a.watch(request.Limits, pause)
	binary := make([]byte, request.Bytes)
	if _, err := io.ReadFull(reader, binary); err != nil {
		return fmt.Errorf("read the module: %w", err)
	}
	built, err := work(context.Background(), binary, request.Options, ".")
	return a.of(built, err)
}

// answer writes the one answer of a child.
type answer struct {
	mu   sync.Mutex // held for good by whoever answers
	out  io.Writer
	peak atomic.Int64 // of the memory, in bytes
}

// of answers with what building has come to.
func (a *answer) of(built *artifact, failed error) (err error) {
	a.mu.Lock()
	message := []byte{answerArtifact}
	var refused *AdmissionError
	switch {
	case errors.As(failed, &refused):
		var problems []byte
		problems, err = json.Marshal(refused.Problems)
		message = append([]byte{answerRefused}, problems...)
	case errors.Is(failed, syscall.EFBIG): // what the kernel gives to who writes too much
		message = append([]byte{answerExceeded}, resourceReply...)
	case failed != nil:
		message = append([]byte{answerError}, failed.Error()...)
	default:
		built.Cost = compileCost{CPU: processorTime(), Memory: max(a.peak.Load(), heldMemory())}
		message, err = built.append(message)
	}
	if err != nil {
		return err
	}
	_, err = a.out.Write(message)
	return err
}

// watchPause is how often a child looks at what it uses.
const watchPause = 5 * time.Millisecond

// watch ends the process with an answer when it is over a limit. The kernel's
// limits stand behind it: they are coarser, and end the process without one.
func (a *answer) watch(l childLimits, pause time.Duration) {
	for range time.Tick(pause) {
		memory := heldMemory()
		a.peak.Store(max(a.peak.Load(), memory))
		if over := l.exceededBy(processorTime(), memory); over != "" {
			a.mu.Lock()
			_, _ = a.out.Write(append([]byte{answerExceeded}, over...)) // the parent has left otherwise
			os.Exit(0)
		}
	}
}

func (l childLimits) exceededBy(cpu time.Duration, memory int64) resource {
	switch {
	case cpu > l.CPU:
		return resourceCPU
	case memory > l.Memory:
		return resourceMemory
	}
	return ""
}

// heldMemory returns the bytes that the Go runtime has from the system.
func heldMemory() int64 {
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(held)
	return int64(held[0].Value.Uint64() - held[1].Value.Uint64())
}

// keepBelow has the garbage collector work harder as memory gets close to the
// limit.
func keepBelow(memory int64) { debug.SetMemoryLimit(memory / 8 * 7) }
