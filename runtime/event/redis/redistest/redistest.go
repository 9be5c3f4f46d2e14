//go:build unix

// Package redistest runs Redis servers for tests: each in a directory of its
// own, on a free port of 127.0.0.1. Nothing needs to be running, and nothing that
// runs is touched.
package redistest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a server may take to start or to stop, on a busy machine.
const startTime = 30 * time.Second

// Server is a Redis server. Its methods are called one at a time.
type Server struct {
	program   string
	dir       string
	address   string
	password  string
	arguments []string

	command *exec.Cmd // nil while it is stopped
	exited  chan struct{}
	log     bytes.Buffer // whole once the server has exited
}

// shared is the server of a test binary.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	mu     sync.Mutex
	made   int // prefixes
}

// URL returns the URL of an empty bus, on a server that all tests of the binary
// share. TestMain calls Stop after them.
func URL(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start("--save", "", "--appendonly", "no") })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.made++
	return shared.server.URL(fmt.Sprint("test", shared.made))
}

// Stop stops the server that URL has started, if it has.
func Stop() error {
	if shared.server == nil {
		return nil
	}
	return shared.server.Remove()
}

// Start makes a server and starts it with arguments of redis-server's. Remove
// removes it.
func Start(arguments ...string) (*Server, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("this test needs redis-server, 7.0 or later, in PATH: install it (on Debian the package redis-server; make deps does it for root)")
	}
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		return nil, err
	}
	s := &Server{program: program, dir: dir, password: rand.Text(), arguments: arguments}
	if err := errors.Join(s.choosePort(), s.Start()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// choosePort looks for a free port below those that systems give to connections:
// one of those could be taken while the server is restarted.
func (s *Server) choosePort() (err error) {
	for range 100 {
		var listener net.Listener
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+mathrand.IntN(12000)))
		if listener, err = net.Listen("tcp", address); err == nil {
			s.address = address
			return listener.Close()
		}
	}
	return err
}

// Start starts a server that was stopped. It returns when the server is ready.
func (s *Server) Start() error {
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	s.command = exec.Command(s.program, append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--requirepass", s.password, "--daemonize", "no",
	}, s.arguments...)...)
	s.command.SysProcAttr = processAttributes()
	s.command.Stdout, s.command.Stderr = &s.log, &s.log
	if err := s.command.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait() // how it ends does not matter: it is stopped by signals
		close(exited)
	}(s.command, s.exited)
	for until := time.Now().Add(startTime); !s.ready(); {
		select {
		case <-s.exited:
			s.command = nil
			return fmt.Errorf("redis-server did not start:\n%s", s.log.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(until) {
			return errors.Join(fmt.Errorf("redis-server did not start in %v", startTime), s.Kill())
		}
	}
	return nil
}

// ready reports whether the server answers.
func (s *Server) ready() bool {
	conn, err := net.DialTimeout("tcp", s.address, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }() // nothing waits in it
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\nPING\r\n", s.password); err != nil {
		return false
	}
	lines := bufio.NewScanner(conn)
	for range 2 {
		if !lines.Scan() || strings.HasPrefix(lines.Text(), "-") {
			return false
		}
	}
	return true
}

// Kill ends the server as a crash does. What is on disk stays.
func (s *Server) Kill() error { return s.stop(syscall.SIGKILL) }

// Shutdown ends the server in order.
func (s *Server) Shutdown() error { return s.stop(syscall.SIGTERM) }

func (s *Server) stop(signal syscall.Signal) error {
	if s.command == nil {
		return nil
	}
	if err := s.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop Redis: %w", err)
	}
	select {
	case <-s.exited:
		s.command = nil
		return nil
	case <-time.After(startTime):
		return fmt.Errorf("redis-server did not stop in %v", startTime)
	}
}

// Pause stops the processes of the server where they are, until Resume.
func (s *Server) Pause() error { return s.command.Process.Signal(syscall.SIGSTOP) }

// Resume has the server go on.
func (s *Server) Resume() error { return s.command.Process.Signal(syscall.SIGCONT) }

// Remove ends the server and removes all that it keeps.
func (s *Server) Remove() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.dir))
}

// Save copies what is on disk to a directory of the test's. Restore puts it back.
func (s *Server) Save(t testing.TB) (saved string) {
	t.Helper()
	saved = filepath.Join(t.TempDir(), "saved")
	if err := os.CopyFS(saved, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	return saved
}

// Restore has a stopped server begin with what Save has copied.
func (s *Server) Restore(t testing.TB, saved string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(s.dir), os.CopyFS(s.dir, os.DirFS(saved))); err != nil {
		t.Fatal(err)
	}
}

// URL returns the URL of a bus with a prefix, with the password.
func (s *Server) URL(prefix string) string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", s.password), Host: s.address, Path: "/0", RawQuery: url.Values{"prefix": {prefix}}.Encode()}
	return u.String()
}

// Address is host and port of the server.
func (s *Server) Address() string { return s.address }

// Password is the one in the URLs.
func (s *Server) Password() string { return s.password }
