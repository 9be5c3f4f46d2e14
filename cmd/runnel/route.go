package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
)

// route is a command that sends one request to a route of /v1 and prints what
// it answers.
type route struct {
	remote
	operands []string                        // the names of the positionals
	define   func(set *flag.FlagSet)         // its own flags; may be nil
	ask      func(p []string) (asked, error) // what the positionals ask for; errors are the user's
	show     func(answer []byte, t *table) error

	asked asked
}

// asked is a request.
type asked struct {
	method string
	path   []string // below /v1
	query  url.Values
	media  string // of the body; empty without one
	body   []byte
	input  string // a file whose content is the body, or "-"; may be empty
}

func (c *route) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	if c.define != nil {
		c.define(set)
	}
}

func (c *route) accept(positionals []string) error {
	if err := exactly(positionals, c.operands...); err != nil {
		return err
	}
	if err := c.resolve(); err != nil {
		return err
	}
	var err error
	c.asked, err = c.ask(positionals)
	return err
}

func (c *route) run(ctx context.Context, std streams) error {
	body := c.asked.body
	if c.asked.input != "" {
		var err error
		if body, err = readFile(c.asked.input, std.in); err != nil {
			return err
		}
	}
	answer, err := c.send(ctx, c.asked.method, c.asked.target(&c.remote), c.asked.media, body)
	switch {
	case err != nil && c.asked.input == "":
		return withoutPlaces(err)
	case err != nil:
		return err
	case len(answer) == 0: // done, and nothing to tell
		return nil
	case std.json || c.show == nil:
		return printLine(std.out, answer)
	}
	var t table
	if err := c.show(answer, &t); err != nil {
		return fmt.Errorf("the answer of %s: %w", c.asked.target(&c.remote), err)
	}
	_, err = t.WriteTo(std.out)
	return err
}

func (a asked) target(r *remote) *url.URL {
	u := r.base.JoinPath(append([]string{"v1"}, escaped(a.path)...)...)
	u.RawQuery = a.query.Encode()
	return u
}

// escaped keeps a segment from naming another route.
func escaped(path []string) []string {
	segments := make([]string, len(path))
	for i, s := range path {
		segments[i] = url.PathEscape(s)
	}
	return segments
}

// own is the path of something of the tenant's.
func (r *remote) own(path ...string) []string { return append([]string{"tenants", r.tenant}, path...) }

// listing is a command that prints a list, page by page.
type listing struct {
	remote
	path   func() []string // below /v1
	member string          // of the answer, which holds the items
	header []string
	row    func(item json.RawMessage) ([]string, error)
	limit  int
}

// pageSize is how many items are asked for at a time.
const pageSize = 200

func (c *listing) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	set.IntVar(&c.limit, "limit", 0, "end after `N` items; 0 is all")
}

func (c *listing) accept(positionals []string) error {
	if len(positionals) == 1 && positionals[0] == "list" {
		positionals = nil // as other tools want it
	}
	if err := exactly(positionals); err != nil {
		return err
	}
	if c.limit < 0 {
		return errors.New("--limit is below zero")
	}
	return c.resolve()
}

func (c *listing) run(ctx context.Context, std streams) error {
	out := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	printed := 0
	for after, more := "", true; more; {
		items, next, err := c.page(ctx, after)
		if err != nil {
			return err
		}
		if after == "" && !std.json {
			writeRow(out, c.header)
		}
		for _, item := range items {
			if c.limit > 0 && printed == c.limit {
				return out.Flush()
			}
			if err := c.print(std, out, item); err != nil {
				return err
			}
			printed++
		}
		if err := out.Flush(); err != nil {
			return err
		}
		more = next != "" && next != after
		after = next
	}
	return nil
}

// page asks for the items after one.
func (c *listing) page(ctx context.Context, after string) (items []json.RawMessage, next string, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if after != "" {
		query.Set("after", after)
	}
	a := asked{path: c.path(), query: query}
	answer, err := c.send(ctx, http.MethodGet, a.target(&c.remote), "", nil)
	if err != nil {
		return nil, "", err
	}
	var members map[string]json.RawMessage
	if err = json.Unmarshal(answer, &members); err == nil {
		err = json.Unmarshal(members[c.member], &items)
	}
	if err == nil && members["next"] != nil {
		err = json.Unmarshal(members["next"], &next)
	}
	if err != nil {
		return nil, "", fmt.Errorf("the answer of %s: %w", a.target(&c.remote), err)
	}
	return items, next, nil
}

func (c *listing) print(std streams, out io.Writer, item json.RawMessage) error {
	if std.json {
		return printLine(std.out, item)
	}
	cells, err := c.row(item)
	if err != nil {
		return fmt.Errorf("an item of the list: %w", err)
	}
	writeRow(out, cells)
	return nil
}

// writeRow writes cells that a terminal only shows, one line for the tabwriter.
func writeRow(w io.Writer, cells []string) {
	line := []byte{}
	for i, cell := range cells {
		if i > 0 {
			line = append(line, '\t')
		}
		line = append(line, escapeObeyed(nil, []byte(cell), "")...)
	}
	_, _ = w.Write(append(line, '\n')) // Flush returns the error
}
