//go:build amd64 || arm64

package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

func init() {
	unwatched["socket"] = triesSocket
	unwatched["program"] = triesProgram
}

// onManyThreads calls f on several threads, some of which are new. f may open no
// files: at the same time they would be more than a child may have.
func onManyThreads(f func() error) error {
	var threads, all sync.WaitGroup
	failures := make([]error, 16)
	all.Add(len(failures))
	for n := range failures {
		threads.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait() // so that each has a thread to itself
			failures[n] = f()
		})
	}
	threads.Wait()
	for _, err := range failures {
		if !errors.Is(err, syscall.EPERM) {
			return fmt.Errorf("that was possible, or failed otherwise: %v", err)
		}
	}
	return errors.Join(failures[0], errors.New("refused everywhere"))
}

func triesSocket() error {
	return onManyThreads(func() error {
		_, err := net.Dial("udp", "127.0.0.1:9")
		return err
	})
}

func triesProgram() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return onManyThreads(func() error { return syscall.Exec(self, []string{self, "-test.run=^$"}, nil) })
}

// TestChildIsRestricted has children that would send what they know, or start
// something that outlives them.
func TestChildIsRestricted(t *testing.T) {
	for _, kind := range []string{"socket", "program"} {
		e := engineOf(t, sandbox.Config{CompileInChild: true})
		e.SetChild(child(t, kind), time.Minute)
		_, err := e.Load(t.Context(), echo("hello"))
		if err == nil || !strings.Contains(err.Error(), "refused everywhere") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
