package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"

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
and not delivered again. Write "--" before a payload that begins with a minus.

  runnel publish orders '{"id":"o-1","customerId":"c-7","status":"PAID"}'
  runnel publish --ndjson events.ndjson
`,
	make: func() command { return new(publish) },
}

// publish sends one event or a batch of them.
type publish struct {
	remote
	channel string
	payload string // JSON, or "-"
	id      string
	ndjson  string // a file, or "-"; instead of the three above
}

func (c *publish) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	set.StringVar(&c.id, "id", "", "the event's `ID`, by which the server knows a repetition")
	set.StringVar(&c.ndjson, "ndjson", "", "a `FILE` with one event per line")
}

func (c *publish) accept(positionals []string) error {
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
	answer, err := c.send(ctx, http.MethodPost, target, contentType, body)
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
		return "application/x-ndjson", body, err
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
