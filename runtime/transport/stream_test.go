package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// TestStreamTranscripts plays the files of testdata/streams over HTTP, in
// simulated time. A file is cases divided by empty lines; a line that begins with
// # is a comment, an indented line is what came of the line before: of each
// response the status, the headers that matter, the body behind a bar, and how it
// ended; and what the executor noted. All but the first response of a case have
// their number before them. Every other line is what happens:
//
//	header NAME: VALUE   for the next request, instead of what it would have
//	POST BODY            sends a request
//	GET QUERY            likewise; the query is still to be escaped
//	next NAME JSON       the executor's words for the subscription NAME; \n and \r are
//	                     ends of lines, LARGE is a large string
//	latest NAME KEY JSON likewise, for an event of a key
//	flood NAME N JSON    the same N times
//	error NAME MESSAGE   or CODE:MESSAGE
//	complete NAME
//	at NAME CURSOR       where the subscription is from then on
//	live NAME            the executor has the client told that
//	limits JSON
//	pass DURATION
//	deaf, hears          clients stop reading; go on
//	leave                clients hang up
//	delete               the tenant is deleted
//	revoke SUBJECT       its tokens are revoked
//	stopping             the http.Server's base context ends
//	shutdown             Handler.Shutdown, until it returns
func TestStreamTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/streams/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for text := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n\n") {
				onStage(t, nil, func(s *stage) { got = append(got, playStream(s, text)) })
			}
			text := strings.Join(got, "\n\n") + "\n"
			if flag.Lookup("update").Value.String() == "true" {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if text != string(want) {
				t.Errorf("%s differs, the server does\n%s", file, text)
			}
		})
	}
}

func playStream(s *stage, text string) string {
	p := &streamPlayer{stage: s, headers: http.Header{}}
	defer p.leave()
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, " ") {
			continue
		}
		p.out = append(p.out, line)
		if !strings.HasPrefix(line, "#") {
			p.step(line)
			synctest.Wait()
			p.show()
		}
	}
	return strings.Join(p.out, "\n")
}

type streamPlayer struct {
	*stage
	headers http.Header // for the next request
	readers []*streamReader
	noted   int // lines of the script's log that were shown
	deaf    bool
	out     []string
}

func (p *streamPlayer) step(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "header":
		name, value, _ := strings.Cut(rest, ":")
		p.headers.Add(name, strings.TrimSpace(value))
	case "GET", "POST", "PUT":
		p.send(verb, rest)
	case "limits":
		p.limits(rest)
	case "pass":
		d, err := time.ParseDuration(rest)
		if err != nil {
			p.Fatal(err)
		}
		time.Sleep(d)
	case "deaf", "hears":
		p.deaf = verb == "deaf"
		for _, r := range p.readers {
			r.listen(!p.deaf)
		}
	case "leave":
		p.leave()
	case "delete":
		if err := p.deleteTenant("demo"); err != nil {
			p.Fatal(err)
		}
	case "revoke":
		if err := p.tenants.Revoke(p.Context(), p.demo(), tenant.Revocation{Subject: rest, Before: time.Now()}); err != nil {
			p.Fatal(err)
		}
	case "stopping":
		p.stop()
	case "shutdown":
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := p.handler.Shutdown(ctx); err != nil {
			p.out = append(p.out, "  "+err.Error())
		}
	default:
		p.speak(verb, rest)
	}
}

// speak plays the executor.
func (p *streamPlayer) speak(verb, rest string) {
	name, rest, _ := strings.Cut(rest, " ")
	sub := p.script.sub(name)
	if sub == nil {
		p.Fatalf("%s: there is no subscription %s", verb, name)
	}
	switch verb {
	case "next":
		sub.next(unescape(rest))
	case "latest":
		key, response, _ := strings.Cut(rest, " ")
		if _, skipped := sub.latest(key, unescape(response)); skipped {
			p.script.note("skipped one of " + key)
		}
	case "flood":
		var n int
		var response string
		if _, err := fmt.Sscan(rest, &n, &response); err != nil {
			p.Fatal(err)
		}
		for range n {
			sub.next(response)
		}
	case "error":
		sub.fail(rest)
	case "complete":
		sub.complete()
	case "at":
		sub.goes(rest)
	case "live":
		sub.Tell()
	default:
		p.Fatalf("unknown line %q", verb)
	}
}

// unescape also makes LARGE a string of 200 KiB.
func unescape(text string) string {
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", "LARGE", `"`+strings.Repeat("x", 200<<10)+`"`).Replace(text)
}

// send sends a request on a connection of its own.
func (p *streamPlayer) send(method, content string) {
	url, body := "http://localhost/t/demo/graphql", io.Reader(http.NoBody)
	if method == "POST" {
		body = strings.NewReader(content)
	} else if content != "" {
		url += "?" + strings.NewReplacer(" ", "%20", "{", "%7B", "}", "%7D", `"`, "%22").Replace(content)
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range p.headers {
		r.Header[name] = values
		if len(values) == 1 && values[0] == "" {
			r.Header.Del(name)
		}
	}
	p.headers = http.Header{}
	near, far := net.Pipe()
	p.pipes <- far
	reader := newStreamReader(near, !p.deaf)
	p.readers = append(p.readers, reader)
	go func() { _ = r.Write(near) }() // until the server has read or refused it
	go reader.run(r)
}

func (p *streamPlayer) leave() {
	for _, r := range p.readers {
		_ = r.conn.Close()
		r.listen(true)
	}
}

// show puts out what came since the last time.
func (p *streamPlayer) show() {
	for i, r := range p.readers {
		for _, line := range r.take() {
			number := ""
			if i > 0 {
				number = fmt.Sprint(i+1, " ")
			}
			p.out = append(p.out, strings.TrimRight("  "+number+line, " "))
		}
	}
	p.script.mu.Lock()
	defer p.script.mu.Unlock()
	for ; p.noted < len(p.script.log); p.noted++ {
		p.out = append(p.out, "  executor: "+p.script.log[p.noted])
	}
}

// streamReader is a client that keeps what it reads.
type streamReader struct {
	conn net.Conn

	mu        sync.Mutex
	changed   *sync.Cond
	listening bool
	lines     []string
	rest      []byte // an unfinished line of the body
}

func newStreamReader(conn net.Conn, listening bool) *streamReader {
	r := &streamReader{conn: conn, listening: listening}
	r.changed = sync.NewCond(&r.mu)
	return r
}

func (r *streamReader) listen(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listening = yes
	deadline := time.Time{}
	if !yes {
		deadline = time.Unix(1, 0) // a read under way ends
	}
	_ = r.conn.SetReadDeadline(deadline) // the connection may be closed
	r.changed.Broadcast()
}

// Read reads from the connection, once the client listens.
func (r *streamReader) Read(p []byte) (int, error) {
	for {
		r.mu.Lock()
		for !r.listening {
			r.changed.Wait()
		}
		r.mu.Unlock()
		n, err := r.conn.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

func (r *streamReader) run(request *http.Request) {
	response, err := http.ReadResponse(bufio.NewReaderSize(r, 16), request)
	if err != nil {
		r.say("no response")
		return
	}
	defer func() { _ = response.Body.Close() }()
	r.say(fmt.Sprint(response.StatusCode, " ", response.Header.Get("Content-Type")))
	for _, name := range []string{"Allow", "Cache-Control", "Connection", "Retry-After", "Vary", "WWW-Authenticate", "X-Accel-Buffering"} {
		if values := response.Header.Values(name); len(values) > 0 {
			r.say(name + ": " + strings.Join(values, ", "))
		}
	}
	if response.Close && response.Header.Get("Connection") == "" {
		r.say("Connection: close")
	}
	buffer := make([]byte, 4<<10)
	for {
		n, err := response.Body.Read(buffer)
		r.body(buffer[:n])
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			r.say("end")
			return
		default:
			r.say("cut")
			return
		}
	}
}

func (r *streamReader) say(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) > 0 {
		r.lines = append(r.lines, "| "+short(r.rest))
		r.rest = nil
	}
	r.lines = append(r.lines, line)
}

func (r *streamReader) body(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rest = append(r.rest, text...)
	for {
		line, after, ok := bytes.Cut(r.rest, []byte("\n"))
		if !ok {
			return
		}
		r.lines = append(r.lines, "| "+short(line))
		r.rest = after
	}
}

func short(line []byte) string {
	if len(line) > 1000 {
		return fmt.Sprintf("%s… (%d bytes)", line[:20], len(line))
	}
	return string(line)
}

func (r *streamReader) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}
