package transport

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

var update = flag.Bool("update", false, "rewrite the transcripts under testdata")

// TestTranscripts plays the files of testdata/transcripts. A file is cases
// divided by empty lines; a line that begins with # is a comment, an indented
// line is what the machine wants done, every other line is what happened:
//
//	open none         upgraded without a subprotocol; else a case begins with an upgrade
//	> TEXT            the client's text message; bytes HEX where it is not UTF-8
//	auth ok|refused   the authenticator's answer
//	next N JSON       the executor's words for operation N, counted from 1
//	error N MESSAGE
//	complete N
//	released N        the executor is done with operation N
//	left N            the last frame of operation N has been written
//	limit N           subscriptionsPerConnection
//	init-timeout, tick, heard, close CODE REASON, gone
//	expired           what the subscriber was let in for has ended
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the machine does:\n%s", firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return strings.Join(g[max(0, i-5):i+1], "\n") + "\nfile:\n" + strings.Join(w[min(i, len(w)):min(i+1, len(w))], "\n")
		}
	}
	return "less than the file has"
}

func play(t *testing.T, file string) string {
	var out strings.Builder
	var p *player
	for line := range strings.Lines(file) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			p = nil
		case strings.HasPrefix(line, " "):
			continue
		case strings.HasPrefix(line, "#"):
		default:
			if p == nil {
				p = newPlayer(line)
			}
			out.WriteString(line + "\n")
			p.step(t, line, &out)
			continue
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// TestOperationSize: the allocator has 64 bytes, and 80.
func TestOperationSize(t *testing.T) {
	if n := unsafe.Sizeof(operation{}); n > 64 {
		t.Errorf("an operation takes %d bytes", n)
	}
}

// player is a machine with a stage around it.
type player struct {
	machine    machine
	doc        jsondoc.Document
	operations []*operation // in the order in which they came, from 1
}

func newPlayer(first string) *player {
	p := &player{operations: []*operation{nil}}
	p.machine.maxOperations = 100
	if first != "open none" {
		p.machine.opened(true, nil)
	}
	return p
}

func (p *player) step(t *testing.T, line string, out *strings.Builder) {
	verb, rest, _ := strings.Cut(line, " ")
	m := &p.machine
	switch verb {
	case "open":
		p.show(out, m.opened(false, nil))
	case ">":
		p.show(out, p.receive([]byte(rest)))
	case "bytes":
		text, err := hex.DecodeString(rest)
		if err != nil {
			t.Fatal(err)
		}
		p.show(out, p.receive(text))
	case "auth":
		if rest == "ok" {
			p.show(out, m.authenticated(nil))
		} else {
			p.show(out, m.refused(nil))
		}
	case "limit":
		m.maxOperations, _ = strconv.Atoi(rest)
	case "init-timeout":
		p.show(out, m.initTimedOut(nil))
	case "tick":
		p.show(out, m.ticked(nil))
	case "heard":
		m.heard()
	case "close":
		code, reason, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(code)
		p.show(out, m.close(n, reason, nil))
	case "expired":
		p.show(out, m.expired(nil))
	case "gone":
		p.show(out, m.gone(nil))
	default:
		p.execute(t, verb, rest, out)
	}
}

// execute plays the executor, and the writer.
func (p *player) execute(t *testing.T, verb, rest string, out *strings.Builder) {
	number, rest, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n >= len(p.operations) {
		t.Fatalf("%s %s: no such operation", verb, number)
	}
	op := p.operations[n]
	switch verb {
	case "next":
		if p.machine.delivers(op) {
			fmt.Fprintf(out, "  < %s\n", appendNext(nil, op.id, []byte(rest), "", 0))
		}
	case "error":
		p.show(out, p.machine.fail(op, graph.Errors{{Message: rest}}, nil))
	case "complete":
		p.show(out, p.machine.complete(op, nil))
	case "released":
		p.machine.released(op)
	case "left":
		p.machine.left(op)
	default:
		t.Fatalf("unknown line %q", verb)
	}
}

func (p *player) receive(text []byte) []action {
	msg, bad := decode(&p.doc, text)
	if bad != nil {
		return p.machine.violated(*bad, nil)
	}
	return p.machine.received(msg, nil)
}

func (p *player) show(out *strings.Builder, todo []action) {
	for _, a := range todo {
		if a.op != nil && !slices.Contains(p.operations, a.op) {
			p.operations = append(p.operations, a.op)
		}
		fmt.Fprintf(out, "  %s\n", describe(a, slices.Index(p.operations, a.op)))
	}
}

// describe tells an action, with the number of its operation.
func describe(a action, op int) string {
	switch a.kind {
	case sendAck:
		return string(appendAck([]byte("< ")))
	case sendPong:
		return string(appendPong([]byte("< "), a.payload))
	case sendError:
		return string(appendError([]byte("< "), a.op.id, a.errors))
	case sendComplete:
		return string(appendComplete([]byte("< "), a.op.id))
	case sendPing:
		return string(appendPing([]byte("< ")))
	case sendControlPing:
		return "control ping"
	case sendClose:
		frame := appendClose(nil, a.code, a.reason)
		return fmt.Sprintf("close %d %s", a.code, frame[2:])
	case startAuthenticate:
		return strings.TrimSpace("authenticate " + string(a.payload))
	case startOperation:
		return strings.TrimSpace(fmt.Sprintf("start %d %s", op, describeRequest(a.request)))
	case stopOperation:
		return fmt.Sprintf("stop %d", op)
	case dropFrames:
		return fmt.Sprintf("drop frames %d", op)
	case terminate:
		return "terminate"
	}
	return "unknown"
}

func describeRequest(r graph.Request) string {
	parts := [][]byte{[]byte(r.Query)}
	if r.OperationName != "" {
		parts = append(parts, []byte("name="+r.OperationName))
	}
	if r.Variables != nil {
		parts = append(parts, append([]byte("variables="), r.Variables...))
	}
	if r.Extensions != nil {
		parts = append(parts, append([]byte("extensions="), r.Extensions...))
	}
	return string(bytes.Join(parts, []byte(" ")))
}
