package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
)

var pushEntry = entry{
	name:     "push",
	operands: "FILE",
	summary:  "upload a module and make it the active version",
	detail: `Uploads FILE, a WebAssembly module, as a version of the module NAME and activates
it. Live subscriptions go on under the new version. A module that the server
refuses leaves the active version as it is; what is wrong is printed with its
place.

  runnel push --name orders orders.wasm
  runnel push --name orders --schema schema.graphql orders.wasm
`,
	make: func() command { return new(push) },
}

// push uploads a module.
type push struct {
	remote
	name       string
	file       string
	schema     string // a file with the SDL, sent beside the module; may be empty
	noActivate bool
}

func (c *push) flags(set *flag.FlagSet) {
	c.remote.flags(set)
	set.StringVar(&c.name, "name", "", "the `NAME` of the module within the tenant")
	set.StringVar(&c.schema, "schema", "", "a `FILE` with the schema, for a module that does not hold one")
	set.BoolVar(&c.noActivate, "no-activate", false, "only upload; the active version stays")
}

func (c *push) accept(positionals []string) error {
	if err := exactly(positionals, "FILE"); err != nil {
		return err
	}
	c.file = positionals[0]
	if c.name == "" {
		return errors.New("--name is missing")
	}
	if !validName(c.name) {
		return fmt.Errorf("name %q is not 1 to 63 of the characters a-z 0-9 -", c.name)
	}
	if c.file == "-" && c.schema == "-" {
		return errors.New("stdin can be the module or the schema, not both")
	}
	return c.resolve()
}

// pushed is the server's answer to an upload.
type pushed struct {
	Name      string   `json:"name"`
	Digest    string   `json:"digest"`
	Bytes     int64    `json:"bytes"`
	Resolvers []string `json:"resolvers"`
	Active    bool     `json:"active"`
}

func (c *push) run(ctx context.Context, std streams) error {
	contentType, body, err := c.upload(std)
	if err != nil {
		return err
	}
	if c.terminal == nil && !std.json {
		c.terminal = terminalOf(std.err)
	}
	target := c.admin("modules", c.name)
	target.RawQuery = "activate=" + strconv.FormatBool(!c.noActivate)
	answer, err := c.send(ctx, http.MethodPut, target, contentType, body)
	if err != nil {
		return err
	}
	if std.json {
		return printLine(std.out, answer)
	}
	var p pushed
	if err := json.Unmarshal(answer, &p); err != nil {
		return fmt.Errorf("the answer of %s: %w", target, err)
	}
	var t table
	p.show(&t)
	_, err = t.WriteTo(std.out)
	return err
}

func (p *pushed) show(t *table) {
	t.row("name", "%s", p.Name)
	t.row("digest", "%s", p.Digest)
	t.row("bytes", "%d", p.Bytes)
	t.row("resolvers", "%s", list(p.Resolvers))
	t.row("active", "%t", p.Active)
}

// upload reads the files and returns the request's body with its type.
func (c *push) upload(std streams) (contentType string, body []byte, err error) {
	module, err := readFile(c.file, std.in)
	if err != nil {
		return "", nil, err
	}
	if c.schema == "" {
		return "application/wasm", module, nil
	}
	schema, err := readFile(c.schema, std.in)
	if err != nil {
		return "", nil, err
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	// Writes into a buffer do not fail.
	_ = addPart(w, "module", "module.wasm", "application/wasm", module)
	_ = addPart(w, "schema", "schema.graphql", "application/graphql", schema)
	_ = w.Close()
	return w.FormDataContentType(), form.Bytes(), nil
}

func addPart(w *multipart.Writer, name, file, contentType string, content []byte) error {
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, name, file)},
		"Content-Type":        {contentType},
	})
	if err != nil {
		return err
	}
	_, err = part.Write(content)
	return err
}
