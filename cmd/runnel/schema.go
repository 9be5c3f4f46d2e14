package main

import (
	"context"
	"io"
	"net/http"
)

// schema prints the composed schema, which is no JSON.
type schema struct{ remote }

func (c *schema) accept(positionals []string) error {
	if err := exactly(positionals); err != nil {
		return err
	}
	return c.resolve()
}

func (c *schema) run(ctx context.Context, std streams) error {
	text, err := c.sendText(ctx, http.MethodGet, c.admin("schema"))
	if err != nil {
		return err
	}
	if std.json {
		return printLine(std.out, marshal(struct {
			Schema string `json:"schema"`
		}{string(text)}))
	}
	_, err = io.WriteString(std.out, terminalText(string(text)))
	return err
}
