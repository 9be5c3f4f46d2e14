package admin

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/telemetry"
)

const (
	// logBeat is how long a stream of lines may be silent before a comment tells
	// that it goes on.
	logBeat = 15 * time.Second
	// logWriteTime is how long one write to a stream may take.
	logWriteTime = 10 * time.Second
)

// typeStream is the media type of server-sent events.
const typeStream = "text/event-stream"

// lineAnswer is one line of the log: an item of the list, or the data of an
// event.
type lineAnswer struct {
	Time      string `json:"time"`
	Level     string `json:"level"`
	Module    string `json:"module"`
	Digest    string `json:"digest"`
	Event     string `json:"event"` // id of the event or request; empty during start
	Incident  string `json:"incident,omitempty"`
	Line      string `json:"line"`
	Truncated bool   `json:"truncated,omitempty"`
}

type logsAnswer struct {
	Lines []lineAnswer `json:"lines"`
}

// missedAnswer is the data of an event that tells of lines which are gone.
type missedAnswer struct {
	Lines int64 `json:"lines"`
}

func describeLine(l *telemetry.Line) lineAnswer {
	return lineAnswer{timestamp(l.Time), l.Level.String(), l.Module, l.Digest, l.Event, l.Incident, l.Text, l.Truncated}
}

// getLogs: GET …/logs, the kept lines; with Accept: text/event-stream those and
// all that follow.
func (h *handler) getLogs(w http.ResponseWriter, r *call) error {
	w.Header().Set("Vary", "Accept")
	log := h.config.Logs.Of(r.tenant)
	if !acceptsStream(r.Header) {
		a := logsAnswer{Lines: []lineAnswer{}}
		for _, l := range log.Lines() {
			a.Lines = append(a.Lines, describeLine(&l))
		}
		return answer(w, http.StatusOK, a)
	}
	f, err := log.Follow(r.Header.Get("Last-Event-ID"))
	if errors.Is(err, telemetry.ErrFollowers) {
		return problem.New(http.StatusTooManyRequests, abi.CodeLimitExceeded, "as many follow the log of this tenant on this node as may; end one of them first")
	} else if err != nil {
		return err
	}
	defer f.Close()
	s := &logStream{w: w, control: http.NewResponseController(w)}
	s.begin(r.Request)
	if r.Method == http.MethodHead {
		return nil
	}
	for s.err == nil {
		lines, missed, err := nextLines(r.Context(), f)
		if err != nil {
			break // the client has left, the key was revoked, the tenant is deleted, or the server ends
		}
		if h.again(r) != nil {
			break // the key was revoked meanwhile
		}
		s.send(f, lines, missed)
	}
	// Of the end, which net/http writes.
	_ = s.control.SetWriteDeadline(time.Now().Add(logWriteTime))
	return nil // the answer has begun: whatever ends it, there is no other
}

// nextLines waits for lines; there are none where the stream was silent for
// logBeat.
func nextLines(ctx context.Context, f *telemetry.Follower) (lines []telemetry.Line, missed int64, err error) {
	beat, cancel := context.WithTimeout(ctx, logBeat)
	defer cancel()
	lines, missed, err = f.Next(beat)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	return lines, missed, err
}

// logStream writes a stream of lines. After an error it writes no more.
type logStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  []byte
	err     error
}

func (s *logStream) begin(r *http.Request) {
	h := s.w.Header()
	h.Set("Content-Type", typeStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep lines back
	if r.ProtoMajor == 1 {
		h.Set("Connection", "close") // the last deadline is left on it
	}
	s.w.WriteHeader(http.StatusOK)
	s.buffer = append(s.buffer, ":\n\n"...) // the stream is there, whatever is kept
	s.flush()
}

// send writes what a follower has returned, or a comment where that is nothing.
func (s *logStream) send(f *telemetry.Follower, lines []telemetry.Line, missed int64) {
	if missed > 0 {
		s.event("missed", missedAnswer{missed})
	}
	for i := range lines {
		s.buffer = append(append(append(s.buffer, "id: "...), f.Position(i)...), '\n')
		s.event("line", describeLine(&lines[i]))
	}
	if len(s.buffer) == 0 {
		s.buffer = append(s.buffer, ":\n\n"...)
	}
	s.flush()
}

// event appends an event, of which an id may be there.
func (s *logStream) event(name string, data any) {
	text, err := encode(data)
	if err != nil {
		s.err = err
		return
	}
	s.buffer = fmt.Appendf(s.buffer, "event: %s\ndata: %s\n\n", name, text)
}

func (s *logStream) flush() {
	if s.err != nil {
		return
	}
	// What is no connection, as in a test, has no deadline.
	_ = s.control.SetWriteDeadline(time.Now().Add(logWriteTime))
	if _, s.err = s.w.Write(s.buffer); s.err == nil {
		s.err = s.control.Flush()
	}
	// One of HTTP/2 would end a stream that only has nothing to say.
	_ = s.control.SetWriteDeadline(time.Time{})
	s.buffer = s.buffer[:0]
}

// acceptsStream tells whether a client asks for server-sent events. A wildcard
// does not.
func acceptsStream(h http.Header) bool {
	for _, value := range h.Values("Accept") {
		for one := range strings.SplitSeq(value, ",") {
			name, params, err := mime.ParseMediaType(one)
			refused := params["q"] != "" && strings.Trim(params["q"], "0.") == ""
			if err == nil && name == typeStream && !refused {
				return true
			}
		}
	}
	return false
}
