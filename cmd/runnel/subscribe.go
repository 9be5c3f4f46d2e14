package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

var subscribeEntry = entry{
	name:     "subscribe",
	operands: "OPERATION",
	summary:  "print what a subscription delivers",
	detail: `Runs OPERATION, a GraphQL subscription or any other operation, over a WebSocket
and prints each payload as one line of JSON, until the server completes it, until
--count payloads came, or until interrupted. The OPERATION "-" is read from stdin.

--claims and --permissions are for servers in --dev, which believe them; other
servers take both from the token.

  runnel subscribe 'subscription { orderUpdated { id status } }'
  runnel subscribe --permissions orders:note --variables '{"c":"c-7"}' \
    'subscription($c: ID) { orderUpdated(customerId: $c) { id note } }'
`,
	make: func() command { return new(subscribe) },
}

const (
	pingInterval = 20 * time.Second
	operationID  = "1" // there is one operation per connection
)

// subscribe runs one operation over a WebSocket.
type subscribe struct {
	remote
	operation     string // GraphQL, or "-"
	operationName string
	variables     string // a JSON object, or empty
	count         int    // payloads until the end; 0: no end
	claims        string // a JSON object, or empty
	permissions   string // separated by commas
	interval      time.Duration
}

func (c *subscribe) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	set.StringVar(&c.operationName, "operation-name", "", "the `NAME` of the operation to run, where there are several")
	set.StringVar(&c.variables, "variables", "", "the operation's variables, a `JSON` object")
	set.IntVar(&c.count, "count", 0, "end after `N` payloads")
	set.StringVar(&c.claims, "claims", "", "claims for a server in --dev, a `JSON` object")
	set.StringVar(&c.permissions, "permissions", "", "permissions for a server in --dev, a `LIST` a,b")
}

func (c *subscribe) accept(positionals []string) error {
	if err := exactly(positionals, "OPERATION"); err != nil {
		return err
	}
	c.operation = positionals[0]
	c.interval = pingInterval
	if c.count < 0 {
		return errors.New("--count is below zero")
	}
	if c.variables != "" {
		if err := checkObject("--variables", c.variables); err != nil {
			return err
		}
	}
	if c.claims != "" {
		if err := checkObject("--claims", c.claims); err != nil {
			return err
		}
	}
	return c.resolve()
}

func (c *subscribe) run(ctx context.Context, std streams) error {
	request, err := c.request(std)
	if err != nil {
		return err
	}
	s, err := c.open(ctx)
	if ctx.Err() != nil && err != nil {
		return nil // interrupted before anything came: an ordinary end
	}
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.send(message{ID: operationID, Type: "subscribe", Payload: request}); err != nil {
		return err
	}
	for n := 0; c.count == 0 || n < c.count; n++ {
		payload, over, err := nextPayload(ctx, s)
		if ctx.Err() != nil {
			break
		}
		if over || err != nil {
			return err
		}
		if err := printLine(std.out, payload); err != nil {
			return err
		}
	}
	// That the server hears of it is a courtesy; the close frame says the same.
	_ = s.send(message{ID: operationID, Type: "complete"})
	return nil
}

// open dials within the time-out.
func (c *subscribe) open(ctx context.Context) (*session, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	s, err := dial(within, c.socket(), c.initPayload(), c.interval)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return nil, fmt.Errorf("%s did not answer within %s", c.socket(), c.timeout)
	}
	return s, err
}

// nextPayload waits for the operation's next payload. over is true after its
// end, which is an error where the server refused or failed it.
func nextPayload(ctx context.Context, s *session) (payload json.RawMessage, over bool, err error) {
	m, err := s.receive(ctx)
	switch {
	case err != nil:
		return nil, true, err
	case m.ID != operationID:
		return nil, true, fmt.Errorf("the server sent %q for the operation %q, which nobody asked for", m.Type, m.ID)
	case m.Type == "next" && m.Payload != nil:
		return m.Payload, false, nil
	case m.Type == "error":
		return nil, true, decodeErrors(m.Payload)
	case m.Type == "complete":
		return nil, true, nil
	}
	return nil, true, fmt.Errorf("the server sent a message %q that the protocol does not have", m.Type)
}

// request is the payload of the subscribe message.
func (c *subscribe) request(std streams) (json.RawMessage, error) {
	query := c.operation
	if query == "-" {
		text, err := readFile("-", std.in)
		if err != nil {
			return nil, err
		}
		query = string(text)
	}
	if strings.TrimSpace(query) == "" {
		return nil, errors.New("the operation is empty")
	}
	return marshal(struct {
		OperationName string          `json:"operationName,omitempty"`
		Query         string          `json:"query"`
		Variables     json.RawMessage `json:"variables,omitempty"`
	}{c.operationName, query, json.RawMessage(c.variables)}), nil
}

// initPayload is the payload of connection_init: nil where there is nothing to
// say of the subscriber.
func (c *subscribe) initPayload() json.RawMessage {
	if c.token == "" && c.claims == "" && c.permissions == "" {
		return nil
	}
	return marshal(struct {
		Authorization string          `json:"authorization,omitempty"`
		Claims        json.RawMessage `json:"claims,omitempty"`
		Permissions   []string        `json:"permissions,omitempty"`
	}{c.authorization(), json.RawMessage(c.claims), splitList(c.permissions)})
}

// splitList splits a list a,b and leaves out what is empty.
func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
