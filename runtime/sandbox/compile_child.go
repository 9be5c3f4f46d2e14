package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/meter"
)

// ErrNoCompileMain is returned where modules are to be compiled in child
// processes, and the program's main does not call CompileMain.
var ErrNoCompileMain = errors.New("modules are compiled in a child process of this program: its main must call CompileMain before anything else")

// Reasons for which a child is killed.
var (
	errWall  = errors.New("the child took too long")
	errReply = errors.New("the child answered too much")
)

// children is how child processes are started.
type children struct {
	program  func() (path string, err error)
	greeting time.Duration // that a child may take to say that it is one
}

const greetingTimeout = 20 * time.Second

// build is the function build in a process of its own, under limits.
func (s *children) build(ctx context.Context, binary []byte, o meter.Options, l childLimits, scratch string) (*artifact, error) {
	path, err := s.program()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	request, err := json.Marshal(childRequest{Options: o, Limits: l, Bytes: len(binary)})
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	ctx, stop := context.WithTimeoutCause(ctx, l.Wall, errWall)
	defer stop()
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	c := child{limits: l, uploaded: len(binary), kill: kill}
	late := time.AfterFunc(s.greeting, c.checkGreeting)
	defer late.Stop()
	input := io.MultiReader(bytes.NewReader(append(request, '\n')), bytes.NewReader(binary))
	return c.outcome(ctx, c.run(ctx, path, input, scratch))
}

// child is a process that compiles one module.
type child struct {
	limits   childLimits
	uploaded int
	kill     context.CancelCauseFunc

	complaint complaint

	mu     sync.Mutex
	output []byte // guarded by mu until the child has ended
}

// run starts the child and waits until it has ended.
func (c *child) run(ctx context.Context, path string, input io.Reader, scratch string) error {
	// Nothing of the environment is the child's business, secrets least of all.
	command := exec.CommandContext(ctx, path)
	command.Args = []string{childName}
	command.Env = []string{childVariable + "=1", "GOMAXPROCS=1", "GOTRACEBACK=single", "TMPDIR=" + scratch}
	command.Dir = scratch
	command.Stdin, command.Stdout, command.Stderr = input, c, &c.complaint
	command.SysProcAttr = childAttributes()
	command.Cancel = func() error { return killGroup(command.Process) }
	command.WaitDelay = time.Second
	// The kernel kills the child with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return command.Run()
}

// Write takes what the child answers.
func (c *child) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.output = append(c.output, b...)
	n := min(len(c.output), len(greeting))
	switch {
	case string(c.output[:n]) != greeting[:n]:
		c.kill(ErrNoCompileMain)
		return 0, ErrNoCompileMain
	case int64(len(c.output)) > c.limits.Reply:
		c.kill(errReply)
		return 0, errReply
	}
	return len(b), nil
}

func (c *child) checkGreeting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.output) < len(greeting) {
		c.kill(ErrNoCompileMain)
	}
}

// outcome tells how a child that ran under ctx has ended.
func (c *child) outcome(ctx context.Context, ended error) (*artifact, error) {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errWall):
		return nil, c.limits.exceeded(resourceWall, c.uploaded)
	case errors.Is(cause, errReply):
		return nil, c.limits.exceeded(resourceReply, c.uploaded)
	case cause != nil:
		return nil, cause
	case ended == nil:
		return c.parse()
	}
	var exit *exec.ExitError
	if !errors.As(ended, &exit) {
		return nil, fmt.Errorf("run a child process: %w", ended)
	}
	switch {
	case exit.UserTime()+exit.SystemTime() >= c.limits.CPU:
		return nil, c.limits.exceeded(resourceCPU, c.uploaded)
	case c.complaint.outOfMemory():
		return nil, c.limits.exceeded(resourceMemory, c.uploaded)
	}
	if c.checkGreeting(); context.Cause(ctx) != nil {
		return nil, fmt.Errorf("%w: %w: %s", context.Cause(ctx), exit, c.complaint.text())
	}
	return nil, fmt.Errorf("the compiler failed: %w: %s", exit, c.complaint.text())
}

// parse reads the answer of a child that ended well.
func (c *child) parse() (*artifact, error) {
	answer, greeted := bytes.CutPrefix(c.output, []byte(greeting))
	if !greeted {
		return nil, ErrNoCompileMain
	}
	if len(answer) == 0 {
		return nil, errors.New("the compiler gave no answer")
	}
	kind, rest := answer[0], answer[1:]
	switch kind {
	case answerArtifact:
		return parseArtifact(rest)
	case answerRefused:
		refused := &AdmissionError{}
		if err := json.Unmarshal(rest, &refused.Problems); err != nil || len(refused.Problems) == 0 {
			return nil, errors.Join(errors.New("the compiler's answer is cut"), err)
		}
		return nil, refused
	case answerExceeded:
		return nil, c.limits.exceeded(resource(rest), c.uploaded)
	case answerError:
		return nil, fmt.Errorf("the compiler failed: %s", rest)
	}
	return nil, fmt.Errorf("the compiler's answer begins with %q", kind)
}

// complaint keeps the beginning of what a child complains of: a crash says what it is
// in its first lines.
type complaint struct{ kept []byte }

const maxComplaint = 4096

func (t *complaint) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b[:min(len(b), maxComplaint-len(t.kept))]...)
	return len(b), nil
}

func (t *complaint) text() string { return string(bytes.ToValidUTF8(t.kept, []byte("\uFFFD"))) }

// outOfMemory tells whether the Go runtime, or that of the race detector, gave up
// since the kernel refused it memory.
func (t *complaint) outOfMemory() bool {
	for _, sign := range []string{"out of memory", "cannot allocate memory", "ThreadSanitizer failed to allocate"} {
		if bytes.Contains(t.kept, []byte(sign)) {
			return true
		}
	}
	return false
}
