//go:build unix

// Package postgrestest runs PostgreSQL servers for tests: each in a directory of
// its own, on a free port of 127.0.0.1. Nothing needs to be running, and nothing
// that runs is touched. A server needs a user other than root: where the test is
// root it is postgres, or else nobody.
package postgrestest

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a server may take to start or to stop, on a busy machine.
const startTime = time.Minute

// Server is a PostgreSQL server. Its methods are called one at a time.
type Server struct {
	programs string // the directory of postgres and initdb
	dir      string
	account  *syscall.Credential // nil for the user of the test
	address  string
	password string
	settings []string

	command *exec.Cmd // nil while it is stopped
	exited  chan struct{}
	log     tail
}

// shared is the server of a test binary.
var shared struct {
	once   sync.Once
	server *Server
	err    error
	mu     sync.Mutex
	made   int // databases
}

// Run runs the tests of a binary, as its TestMain does, stops the server that
// Database has started, if it has, and returns the code for os.Exit.
func Run(m *testing.M) (code int) {
	code = m.Run()
	if shared.server == nil {
		return code
	}
	if err := shared.server.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Database makes a database for the test, on a server that all tests of the
// binary share, and returns its URL. TestMain calls Run.
func Database(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.made++
	return shared.server.Database(t, fmt.Sprint("test", shared.made))
}

// Start makes a server and starts it, with further settings such as fsync=on. Remove
// removes it.
func Start(settings ...string) (*Server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return nil, err
	}
	s := &Server{programs: programs, dir: dir, password: rand.Text(), settings: settings}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(fmt.Errorf("make a PostgreSQL server for tests: %w", err), os.RemoveAll(dir))
	}
	if err := s.Restart(syscall.SIGINT); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// Own makes and starts a server for one test, which it is removed with.
func Own(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := Start(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Standby makes a server that follows this one as a hot standby, and starts it.
// Remove removes it; select pg_promote() makes it a primary of its own.
func (s *Server) Standby() (*Server, error) {
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return nil, err
	}
	standby := &Server{programs: s.programs, dir: dir, password: s.password, settings: s.settings}
	err = standby.chooseAccount()
	if err == nil {
		err = standby.choosePort()
	}
	if err == nil {
		host, port, _ := net.SplitHostPort(s.address)
		var out []byte
		if out, err = standby.run("pg_basebackup", "--pgdata=data", "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync",
			"--host="+host, "--port="+port, "--username=runnel"); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err == nil {
		err = standby.Restart(syscall.SIGINT)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a standby for tests: %w", err), os.RemoveAll(dir))
	}
	return standby, nil
}

// findPrograms looks where distributions have the programs of the server.
func findPrograms() (dir string, err error) {
	var found []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		matches, _ := filepath.Glob(pattern) // fails for bad patterns alone
		slices.Reverse(matches)              // the latest version first
		found = append(found, matches...)
	}
	for _, dir := range found {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("this test needs the programs of a PostgreSQL server, 15 or later, in PATH or in /usr/lib/postgresql/*/bin: install them (on Debian the package postgresql; make deps does it for root)")
}

func (s *Server) initialize() error {
	if err := s.chooseAccount(); err != nil {
		return err
	}
	passwords := filepath.Join(s.dir, "password")
	if err := os.WriteFile(passwords, []byte(s.password), 0o644); err != nil { // in a directory of mode 0700
		return err
	}
	// A default collation that is not that of bytes, so that tests find out who relies on it.
	out, err := s.run("initdb", "--pgdata=data", "--username=runnel", "--pwfile=password", "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return s.choosePort()
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

// chooseAccount gives the directory to a user that may run a server.
func (s *Server) chooseAccount() error {
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return fmt.Errorf("root may not run PostgreSQL, and there is no other user for it: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

// program returns a command of the server's, in its directory and as its user.
func (s *Server) program(name string, arguments ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(s.programs, name), arguments...)
	command.Dir = s.dir
	command.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH"), "PGPASSWORD=" + s.password}
	command.SysProcAttr = processAttributes(s.account)
	return command
}

func (s *Server) run(name string, arguments ...string) ([]byte, error) {
	out, err := s.program(name, arguments...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return out, err
}

// Restart stops the server, where it runs, with a signal of PostgreSQL's: SIGINT
// ends all sessions, SIGQUIT is a crash. It returns when the server is ready
// again.
func (s *Server) Restart(signal syscall.Signal) error {
	if err := s.Stop(signal); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	// Tests crash the server, not the machine: without fsync they take less time.
	command := s.program("postgres", "-D", "data", "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "max_connections=200", "-c", "logging_collector=off", "-c", "log_destination=stderr")
	for _, setting := range s.settings {
		command.Args = append(command.Args, "-c", setting)
	}
	output, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	s.command, s.exited = command, make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(s.exited)
		s.log.read(output, ready)
		_ = command.Wait() // how it ends does not matter: it is stopped by signals
	}()
	select {
	case <-ready:
		return nil
	case <-s.exited:
		s.command = nil
		return fmt.Errorf("PostgreSQL did not start:\n%s", s.log.text())
	case <-time.After(startTime):
		return fmt.Errorf("PostgreSQL did not start in %v:\n%s", startTime, s.log.text())
	}
}

// Stop stops the server with a signal as Restart does. What it keeps stays.
func (s *Server) Stop(signal syscall.Signal) error {
	if s.command == nil {
		return nil
	}
	if err := s.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.exited:
		s.command = nil
		return nil
	case <-time.After(startTime):
		return fmt.Errorf("PostgreSQL did not stop in %v:\n%s", startTime, s.log.text())
	}
}

// Remove stops the server and removes all that it keeps.
func (s *Server) Remove() error {
	return errors.Join(s.Stop(syscall.SIGQUIT), os.RemoveAll(s.dir))
}

// Database makes a database and returns its URL.
func (s *Server) Database(t testing.TB, name string) string {
	t.Helper()
	s.SQL(t, "postgres", "create database "+name)
	return s.URL(name)
}

// URL returns the URL of a database, with the password.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("runnel", s.password), Host: s.address, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Password is the one in the URLs.
func (s *Server) Password() string { return s.password }

// SQL runs a statement as an operator would, with psql, and returns what it
// answers: columns with | between them.
func (s *Server) SQL(t testing.TB, database, statement string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.run("psql", "--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--host="+host, "--port="+port, "--username=runnel",
		"--dbname="+database, "--set=ON_ERROR_STOP=1", "--command="+statement)
	if err != nil {
		t.Fatalf("%s: %v\n%s", statement, err, out)
	}
	return strings.TrimSpace(string(out))
}

// tail is the end of what the server logs.
type tail struct {
	mu    sync.Mutex
	lines []string
}

// read reads the log to its end, and closes ready when it says that clients can
// connect.
func (l *tail) read(from io.Reader, ready chan struct{}) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if ready != nil && strings.Contains(lines.Text(), "database system is ready to accept") {
			close(ready)
			ready = nil
		}
		l.mu.Lock()
		l.lines = append(l.lines, lines.Text())
		l.lines = l.lines[max(0, len(l.lines)-50):]
		l.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, from) // after a line that was too long
}

func (l *tail) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
