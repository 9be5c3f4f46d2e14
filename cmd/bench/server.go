//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// server is a running process that is measured.
type server struct {
	name    string
	version string // of what it is made of, as it says
	address netip.AddrPort
	socket  string // path of the WebSocket
	events  string // URL to publish to

	// line makes a line of a request out of an order.
	line   func(order []byte) []byte
	header http.Header

	command *exec.Cmd
	cleanUp func() error // after the end
	output  output
	exited  chan struct{}
}

func (s *server) pid() int { return s.command.Process.Pid }

// start starts a process and waits until it says where it serves.
func start(ctx context.Context, name string, env []string, program string, arguments ...string) (*server, error) {
	s := &server{name: name, command: exec.Command(program, arguments...), exited: make(chan struct{}), line: bytes.Clone, header: http.Header{}}
	s.command.Env = append(s.command.Environ(), env...)
	s.output.serves = make(chan [2]string, 1)
	s.command.Stdout, s.command.Stderr = &s.output, &s.output
	s.command.SysProcAttr = endWithParent()
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		_ = s.command.Wait() // ended tells
		close(s.exited)
	}()
	select {
	case said := <-s.output.serves:
		var err error
		s.version = said[1]
		if s.address, err = netip.ParseAddrPort(said[0]); err == nil {
			return s, nil
		}
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), s.stop())
	case <-s.exited:
		return nil, s.ended()
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("%s: %w", name, ctx.Err()), s.stop())
	}
}

// ended is an error with what the process printed last, if it has ended.
func (s *server) ended() error {
	select {
	case <-s.exited:
		return fmt.Errorf("%s has ended: %s", s.name, s.output.text())
	default:
		return nil
	}
}

// stop ends the process, and returns once it has ended and left nothing behind.
func (s *server) stop() error {
	err := s.end()
	if s.cleanUp != nil {
		err = errors.Join(err, s.cleanUp())
	}
	return err
}

func (s *server) end() error {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.exited:
		return nil
	case <-time.After(10 * time.Second):
	}
	err := s.command.Process.Kill()
	<-s.exited
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// output keeps the end of what a server prints, and finds the address in it.
type output struct {
	mu     sync.Mutex
	last   []byte
	serves chan [2]string
	found  bool
}

// serving finds the line that says so, with the address and, in brackets, versions.
var serving = regexp.MustCompile(`serving.*?(127\.0\.0\.1:\d+)(?:[^\n(]*\((.*)\))?[^\n]*\n`)

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = append(o.last, b...)
	if match := serving.FindSubmatch(o.last); match != nil && !o.found {
		o.found = true
		o.serves <- [2]string{string(match[1]), string(match[2])}
	}
	const kept = 4096
	o.last = o.last[max(0, len(o.last)-kept):]
	return len(b), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.last)
}

// publish sends orders in one request.
func (s *server) publish(ctx context.Context, orders ...[]byte) error {
	var body []byte
	for _, o := range orders {
		body = append(append(body, s.line(o)...), '\n')
	}
	_, err := s.request(ctx, http.MethodPost, s.events, "application/x-ndjson", body)
	return err
}

func (s *server) request(ctx context.Context, method, url, contentType string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = s.header.Clone()
	r.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, url, response.Status, text)
	}
	return text, err
}
