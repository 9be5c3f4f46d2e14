package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

var publishEntry = entry{
	name:     "publish",
	operands: "CHANNEL JSON | --ndjson FILE",
	summary:  "publish an event",
	detail: `Publishes one event with the payload JSON, or, with --ndjson, a batch of lines
{"channel":…,"payload":…,"id":…}, of which all are accepted or none. The JSON or
the FILE "-" is read from stdin. An event whose id was seen before is accepted
and not delivered again. What the server refuses for now is sent again, for as
long as --retry says: always where it says that nothing was accepted, and where
that is not known if all events have ids. Write "--" before a payload that begins
with a minus.

  runnel publish orders '{"id":"o-1","customerId":"c-7","status":"PAID"}'
  runnel publish --ndjson events.ndjson
`,
	make: func() command { return new(publish) },
}

const (
	typeNDJSON = "application/x-ndjson"

	defaultRetry = 30 * time.Second
	// leastWait is between two attempts, whatever the server says.
	leastWait = 100 * time.Millisecond
)

// publish sends one event or a batch of them.
type publish struct {
	remote
	channel string
	payload string // JSON, or "-"
	id      string
	ndjson  string // a file, or "-"; instead of the three above
	retry   time.Duration
}

func (c *publish) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	set.StringVar(&c.id, "id", "", "the event's `ID`, by which the server knows a repetition")
	set.StringVar(&c.ndjson, "ndjson", "", "a `FILE` with one event per line")
	set.DurationVar(&c.retry, "retry", defaultRetry, "how long to send again what the server refuses for now, a `DURATION`; 0s is not at all")
}

func (c *publish) accept(positionals []string) error {
	if c.retry < 0 {
		return fmt.Errorf("retry %s is below zero", c.retry)
	}
	if c.ndjson != "" {
		if c.id != "" {
			return errors.New("--id does not go with --ndjson: each line has its own")
		}
		if err := exactly(positionals); err != nil {
			return err
		}
		return c.resolve()
	}
	if err := exactly(positionals, "CHANNEL", "JSON"); err != nil {
		return err
	}
	c.channel, c.payload = positionals[0], positionals[1]
	if !abi.ValidChannel(c.channel) {
		return fmt.Errorf("channel %q is not 1 to 200 of the characters A-Z a-z 0-9 _ . : -", c.channel)
	}
	if c.payload != "-" {
		if err := checkJSON("the payload", []byte(c.payload)); err != nil {
			return err
		}
	}
	return c.resolve()
}

// published is the server's answer.
type published struct {
	Accepted int64           `json:"accepted"`
	Cursor   json.RawMessage `json:"cursor"`
}

func (c *publish) run(ctx context.Context, std streams) error {
	contentType, body, err := c.events(std)
	if err != nil {
		return err
	}
	target := c.admin("events")
	answer, err := c.sendUntilTaken(ctx, std, target, contentType, body)
	switch {
	case err != nil && c.ndjson == "":
		return withoutPlaces(err)
	case err != nil:
		return err
	}
	if std.json {
		return printLine(std.out, answer)
	}
	var p published
	if err := json.Unmarshal(answer, &p); err != nil {
		return fmt.Errorf("the answer of %s: %w", target, err)
	}
	var t table
	t.row("accepted", "%d", p.Accepted)
	if cursor := cursorText(p.Cursor); cursor != "" {
		t.row("cursor", "%s", cursor)
	}
	_, err = t.WriteTo(std.out)
	return err
}

// sendUntilTaken sends events again for as long as they are refused for now.
func (c *publish) sendUntilTaken(ctx context.Context, std streams, target *url.URL, contentType string, body []byte) ([]byte, error) {
	for last := time.Now().Add(c.retry); ; {
		answer, err := c.send(ctx, http.MethodPost, target, contentType, body)
		var later laterError
		if !errors.As(err, &later) || later.Status != http.StatusTooManyRequests && !c.hasIDs(body) {
			return answer, err
		}
		wait := max(later.wait, leastWait)
		if time.Until(last) < wait {
			return answer, err
		}
		if !std.json {
			// Where stderr cannot be written, nobody waits for the reason.
			_, _ = fmt.Fprintf(std.err, "runnel publish: %s; trying again in %s\n", terminalText(later.Error()), wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// hasIDs tells whether each event has an id, so that sending it twice does no harm.
func (c *publish) hasIDs(body []byte) bool {
	if c.ndjson == "" {
		return c.id != ""
	}
	var d jsondoc.Document
	for line := range bytes.Lines(body) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if d.Parse(line, jsondoc.Options{MaxDepth: jsondoc.DefaultMaxDepth + 1}) != nil || d.Nodes[0].Kind != jsondoc.Object {
			return false
		}
		if _, ok := d.Member(0, "id"); !ok {
			return false
		}
	}
	return true
}

// cursorText shows a cursor, which is opaque: a string without its quotes, any
// other value as it came.
func cursorText(cursor json.RawMessage) string {
	var text *string
	if json.Unmarshal(cursor, &text) != nil {
		return string(cursor)
	}
	if text == nil {
		return ""
	}
	return *text
}

// events returns the request's body with its type.
func (c *publish) events(std streams) (contentType string, body []byte, err error) {
	if c.ndjson != "" {
		body, err = readFile(c.ndjson, std.in)
		return typeNDJSON, body, err
	}
	payload := []byte(c.payload)
	if c.payload == "-" {
		if payload, err = readFile("-", std.in); err != nil {
			return "", nil, err
		}
		if err := checkJSON("the payload on stdin", payload); err != nil {
			return "", nil, err
		}
	}
	// The payload goes as it was written: numbers keep their digits.
	body = append(body, `{"channel":`...)
	body = jsondoc.AppendQuoted(body, c.channel)
	if c.id != "" {
		body = append(body, `,"id":`...)
		body = jsondoc.AppendQuoted(body, c.id)
	}
	body = append(body, `,"payload":`...)
	body = append(body, bytes.TrimSpace(payload)...)
	return "application/json", append(body, '}'), nil
}
