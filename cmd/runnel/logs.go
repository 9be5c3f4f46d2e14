package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

var logEntries = []entry{
	{
		name: "logs", summary: "print the log of the tenant's modules",
		detail: `Prints the lines that the node that answers has kept, of modules and of what went
wrong with them; with --follow, all that come after as well, until interrupted.
`,
		make: func() command { return new(logs) },
	},
}

// maxLineBytes bounds a line of an event stream.
const maxLineBytes = 1 << 20

// logs prints lines of a log.
type logs struct {
	remote
	follow bool
}

func (c *logs) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	set.BoolVar(&c.follow, "follow", false, "go on with the lines that come")
}

func (c *logs) accept(positionals []string) error {
	if err := exactly(positionals); err != nil {
		return err
	}
	return c.resolve()
}

func (c *logs) run(ctx context.Context, std streams) error {
	if c.follow {
		err := c.print(ctx, std)
		if ctx.Err() != nil {
			return nil // interrupted: an ordinary end
		}
		return err
	}
	answer, err := c.send(ctx, http.MethodGet, c.admin("logs"), "", nil)
	if err != nil {
		return err
	}
	var list struct{ Lines []json.RawMessage }
	if err := json.Unmarshal(answer, &list); err != nil {
		return fmt.Errorf("the answer of %s: %w", c.admin("logs"), err)
	}
	for _, line := range list.Lines {
		if err := printLog(std, line); err != nil {
			return err
		}
	}
	return nil
}

// print prints lines as they come.
func (c *logs) print(ctx context.Context, std streams) error {
	err := c.stream(ctx, c.admin("logs"), "text/event-stream", func(answer io.Reader) error {
		return readEvents(answer, func(kind string, data []byte) error {
			switch kind {
			case "line":
				return printLog(std, data)
			case "missed":
				return printMissed(std, data)
			}
			return nil // of a later version
		})
	})
	if err == nil {
		err = errors.New("the server ended the stream")
	}
	return err
}

// readEvents reads an event stream, as the HTML standard has it, until it ends.
// What has neither a kind nor data is passed over.
func readEvents(r io.Reader, handle func(kind string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLineBytes)
	var kind string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			if data != nil {
				if err := handle(kind, bytes.TrimSuffix(data, []byte("\n"))); err != nil {
					return err
				}
			}
			kind, data = "", nil
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			if len(data)+len(value) > maxLineBytes {
				return fmt.Errorf("the server sent an event of more than %d bytes", maxLineBytes)
			}
			data = append(append(data, value...), '\n')
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return nil
}

// printLog prints one line of a log, of which a terminal obeys nothing.
func printLog(std streams, text []byte) error {
	if std.json {
		return printLine(std.out, text)
	}
	var l struct {
		Time, Level, Module, Digest, Event, Incident, Line string
		Truncated                                          bool
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("a line of the log: %w", err)
	}
	at := l.Time
	if t, err := time.Parse(time.RFC3339, l.Time); err == nil {
		at = t.Local().Format("15:04:05.000")
	}
	shown := fmt.Sprintf("%s %-5s %s %s", at, strings.ToUpper(l.Level), cmp.Or(l.Module, "-"), l.Line)
	if l.Truncated {
		shown += " (cut)"
	}
	if l.Event != "" {
		shown += "  event=" + l.Event
	}
	if l.Incident != "" {
		shown += " incident=" + l.Incident
	}
	_, err := std.out.Write(append(escapeObeyed(nil, []byte(shown), ""), '\n'))
	return err
}

func printMissed(std streams, text []byte) error {
	if std.json {
		return printLine(std.out, fmt.Appendf(nil, `{"missed":%s}`, text))
	}
	var m struct{ Lines int64 }
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("an event of the log: %w", err)
	}
	_, err := fmt.Fprintf(std.out, "(%d lines came faster than they could be sent, and are not here)\n", m.Lines)
	return err
}
