package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const logsPath = "/v1/tenants/acme/logs"

func (s *stage) log(texts ...string) {
	for _, text := range texts {
		s.logs.Of(s.acme).Add(telemetry.Line{Level: abi.LogInfo, Module: "orders", Digest: "sha256:00", Event: "e1", Text: text})
	}
}

func TestLogs(t *testing.T) {
	s := newStage(t)
	s.want(s.do("GET", logsPath, "", ""), http.StatusOK, `{"lines":[]}`)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	log := s.logs.Of(s.acme)
	log.Add(telemetry.Line{Time: at, Level: abi.LogDebug, Module: "orders", Digest: "sha256:00", Text: "starting <"})
	log.Add(telemetry.Line{Time: at, Level: abi.LogError, Module: "orders", Digest: "sha256:00", Event: "e1", Incident: "I", Text: "\x1b[2J\"", Truncated: true})
	s.want(s.do("GET", logsPath, "", "", "Accept", "application/json, */*"), http.StatusOK, `{"lines":[`+
		`{"time":"2026-01-02T03:04:05.006Z","level":"debug","module":"orders","digest":"sha256:00","event":"","line":"starting <"},`+
		`{"time":"2026-01-02T03:04:05.006Z","level":"error","module":"orders","digest":"sha256:00","event":"e1","incident":"I","line":"\\u001b[2J\"","truncated":true}]}`)
	s.wantProblem(s.do("GET", logsPath+"?follow", "", ""), http.StatusBadRequest, abi.CodeBadUserInput, `unknown query parameter "follow"`)
}

func TestWhoAsksForAStreamOfLines(t *testing.T) {
	s := newStage(t)
	for accept, stream := range map[string]bool{
		"text/event-stream": true, "TEXT/Event-Stream;q=0.5": true, "application/json, text/event-stream": true,
		"": false, "*/*": false, "text/*": false, "text/event-stream;q=0": false, "text/event-stream; q=0.000": false, "text/event-streams": false,
	} {
		w := s.do("HEAD", logsPath, "", "", "Accept", accept)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got == "text/event-stream" != stream || w.Header().Get("Vary") != "Accept" {
			t.Errorf("%q is answered with %d %v", accept, w.Code, w.Header())
		}
	}
}

// follower is a client of a stream, in a bubble of synctest: the handler writes
// to it as to a connection.
type follower struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan struct{}
	header http.Header

	mu      sync.Mutex
	status  int
	body    bytes.Buffer
	flushed int       // bytes of body
	limit   time.Time // of the next write
	err     error     // of it
	stuck   chan struct{}
}

func (s *stage) follow(t *testing.T, headers ...string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{t: t, cancel: cancel, ended: make(chan struct{}), header: http.Header{}}
	r := httptest.NewRequestWithContext(ctx, "GET", logsPath, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	go func() {
		defer close(f.ended)
		s.ServeHTTP(f, r)
	}()
	return f
}

func (f *follower) Header() http.Header { return f.header }

func (f *follower) WriteHeader(status int) { f.status = status }

func (f *follower) SetWriteDeadline(at time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = at
	return nil
}

func (f *follower) Write(p []byte) (int, error) {
	if left := time.Until(f.limit); left <= 0 || left > 10*time.Second {
		f.t.Errorf("a write has %v", left)
	}
	if f.stuck != nil {
		<-f.stuck
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	return f.body.Write(p)
}

func (f *follower) FlushError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushed = f.body.Len()
	return nil
}

// take returns what has come since the call before: texts of lines, "!3" for
// three that were missed, and ":" for comments.
func (f *follower) take() (got, last string) {
	f.t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.ended:
	default:
		if !f.limit.IsZero() && f.stuck == nil {
			f.t.Error("a deadline is left, which would end a quiet stream of HTTP/2")
		}
	}
	if f.flushed != f.body.Len() {
		f.t.Error("something was not flushed")
	}
	var all []string
	for frame := range strings.SplitSeq(strings.TrimSuffix(f.body.String(), "\n\n"), "\n\n") {
		id, event, hasID := strings.Cut(strings.TrimPrefix(frame, "id: "), "\nevent: line\ndata: ")
		_, text, isLine := strings.Cut(event, `"line":"`)
		missed, isMissed := strings.CutPrefix(frame, "event: missed\ndata: {\"lines\":")
		switch {
		case hasID && isLine && strings.HasPrefix(frame, "id: "):
			last = id
			all = append(all, strings.TrimSuffix(text, `"}`))
		case isMissed:
			all = append(all, "!"+strings.TrimSuffix(missed, "}"))
		default:
			all = append(all, frame)
		}
	}
	f.body.Reset()
	f.flushed = 0
	return strings.Join(all, " "), last
}

func (f *follower) want(want string) (last string) {
	f.t.Helper()
	got, last := f.take()
	if got != want {
		f.t.Errorf("got %q, want %q", got, want)
	}
	return last
}

// wantEnd holds whether the stream has ended.
func (f *follower) wantEnd(want bool) {
	f.t.Helper()
	synctest.Wait()
	select {
	case <-f.ended:
		if !want {
			f.t.Error("the stream has ended")
		}
	default:
		if want {
			f.t.Error("the stream goes on")
			f.cancel()
		}
	}
}

func TestAStreamOfLines(t *testing.T) {
	s := newStage(t)
	s.log("a", "b")
	synctest.Test(t, func(t *testing.T) {
		f := s.follow(t)
		last := f.want(": a b")
		if f.status != http.StatusOK || f.header.Get("Content-Type") != "text/event-stream" || f.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", f.status, f.header)
		}
		s.log("c")
		f.want("c")
		for range 3 {
			time.Sleep(15*time.Second - 1)
			f.want("")
			time.Sleep(time.Nanosecond)
			f.want(":")
		}
		time.Sleep(14 * time.Second)
		s.log("d")
		f.want("d")
		time.Sleep(14 * time.Second)
		f.want("")
		f.cancel()
		f.wantEnd(true)

		again := s.follow(t, "Last-Event-ID", last)
		again.want(": c d")
		again.cancel()
	})
}

// TestASlowFollower is told what it missed, and meets nobody else.
func TestASlowFollower(t *testing.T) {
	s := newStage(t)
	synctest.Test(t, func(t *testing.T) {
		slow, quick := s.follow(t), s.follow(t)
		slow.want(":")
		quick.want(":")
		slow.stuck = make(chan struct{})
		for n := range 1500 {
			s.log(fmt.Sprint(n))
			if n%50 == 0 {
				synctest.Wait()
			}
		}
		if got, _ := quick.take(); !strings.HasSuffix(got, " 1499") || strings.Contains(got, "!") || strings.Count(got, " ") != 1499 {
			t.Errorf("the quick one got %.50s", got)
		}
		close(slow.stuck)
		// One line was on its way, and 1,000 are kept.
		if got, _ := slow.take(); !strings.HasPrefix(got, "0 !499 500 501 ") || !strings.HasSuffix(got, " 1499") {
			t.Errorf("the slow one got %.50s", got)
		}
		slow.cancel()
		quick.cancel()
	})
}

func TestStreamsOfLinesEnd(t *testing.T) {
	for name, end := range map[string]func(s *stage, f *follower, key string){
		"the client leaves": func(_ *stage, f *follower, _ string) { f.cancel() },
		"the server ends":   func(s *stage, _ *follower, _ string) { s.logs.Close() },
		"the tenant is deleted": func(s *stage, _ *follower, _ string) {
			s.do("DELETE", "/v1/tenants/acme", "", "")
		},
		"a write fails": func(s *stage, f *follower, _ string) {
			f.err = errors.New("broken pipe")
			s.log("lost")
		},
		"the key is revoked": func(s *stage, f *follower, key string) {
			s.do("DELETE", "/v1/tenants/acme/keys/"+key, "", "")
			s.log("not for it")
		},
	} {
		s := newStage(t)
		synctest.Test(t, func(t *testing.T) {
			id, key := s.newKey(tenant.ScopeModules) // here, so that waiting for its end is durable
			f := s.follow(t, "Authorization", "Bearer "+key)
			s.log("a")
			f.want(": a")
			f.wantEnd(false)
			end(s, f, id)
			f.wantEnd(true)
			if got, _ := f.take(); got != "" {
				t.Errorf("%s: then came %q", name, got)
			}
		})
	}
}

func TestStreamsOfLinesAreBounded(t *testing.T) {
	s := newStage(t) // with two
	synctest.Test(t, func(t *testing.T) {
		one, two := s.follow(t), s.follow(t)
		one.want(":")
		two.want(":")
		w := s.do("GET", logsPath, "", "", "Accept", "text/event-stream")
		s.wantProblem(w, http.StatusTooManyRequests, abi.CodeLimitExceeded, "as many follow the log")
		one.cancel()
		one.wantEnd(true)
		three := s.follow(t)
		three.want(":")
		two.cancel()
		three.cancel()
	})
}
