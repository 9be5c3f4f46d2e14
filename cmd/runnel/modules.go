package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

var moduleEntries = []entry{
	{
		name: "modules", summary: "list the tenant's modules",
		detail: "Lists the modules of the tenant with the version that serves and how many there\nare.\n",
		make: func() command {
			c := &listing{member: "modules", header: []string{"NAME", "ACTIVE", "VERSIONS"}, row: moduleRow}
			c.path = func() []string { return c.own("modules") }
			return c
		},
	},
	{
		name: "modules show", operands: "NAME", summary: "show a module with its versions",
		detail: "Shows every version of a module, the newest first, and which of them serves.\n",
		make: func() command {
			c := newModuleRoute(http.MethodGet, "")
			c.show = showModule
			return c
		},
	},
	{
		name: "modules delete", operands: "NAME", summary: "delete a module with all its versions",
		detail: "Deletes a module, unless others need it: those are named then.\n",
		make:   func() command { return newModuleRoute(http.MethodDelete, "") },
	},
	{
		name: "config", operands: "NAME", summary: "show the config of a module",
		detail: "Prints the JSON that the module reads as its config.\n",
		make:   func() command { return newModuleRoute(http.MethodGet, "config") },
	},
	{
		name: "config set", operands: "NAME FILE", summary: "set the config of a module",
		detail: `Sends FILE, any JSON, as the config of the module; "-" is stdin. It takes effect
with the next event.

  echo '{"currency":"EUR"}' | runnel config set orders -
`,
		make: func() command {
			c := newModuleRoute(http.MethodPut, "config")
			c.operands = append(c.operands, "FILE")
			ask := c.ask
			c.ask = func(p []string) (asked, error) {
				a, err := ask(p)
				a.media, a.input = "application/json", p[1]
				return a, err
			}
			return c
		},
	},
	{
		name: "config delete", operands: "NAME", summary: "take the config of a module away",
		detail: "Leaves the module without a config, from the next event on.\n",
		make:   func() command { return newModuleRoute(http.MethodDelete, "config") },
	},
	{
		name: "activate", operands: "NAME DIGEST", summary: "make a version of a module serve",
		detail: "Makes the version with that digest, which runnel modules show lists, serve from\nthe next event on, under live subscriptions.\n",
		make: func() command {
			c := newModuleRoute(http.MethodPost, "activate")
			c.operands = append(c.operands, "DIGEST")
			c.show = showVersion
			ask := c.ask
			c.ask = func(p []string) (asked, error) {
				a, err := ask(p)
				a.media = "application/json"
				a.body = marshal(struct {
					Digest string `json:"digest"`
				}{p[1]})
				return a, err
			}
			return c
		},
	},
	{
		name: "rollback", operands: "NAME", summary: "make the version serve that did before",
		detail: "Activates the version of the module that was active before the present one.\n",
		make: func() command {
			c := newModuleRoute(http.MethodPost, "rollback")
			c.show = showVersion
			return c
		},
	},
	{
		name: "versions delete", operands: "NAME DIGEST", summary: "delete a version of a module that is not active",
		detail: "Deletes the version with that digest, which runnel modules show lists.\n",
		make: func() command {
			c := newModuleRoute(http.MethodDelete, "versions")
			c.operands = append(c.operands, "DIGEST")
			ask := c.ask
			c.ask = func(p []string) (asked, error) {
				a, err := ask(p)
				a.path = append(a.path, p[1])
				return a, err
			}
			return c
		},
	},
	{
		name: "release", operands: "NAME", summary: "take a module out of quarantine",
		detail: "Lets the resolvers of a module run again at once, which failed too often.\n",
		make:   func() command { return newModuleRoute(http.MethodDelete, "quarantine") },
	},
	{
		name: "schema", summary: "print the tenant's schema",
		detail: "Prints the GraphQL schema that is composed of the active modules.\n",
		make:   func() command { return new(schema) },
	},
}

// newModuleRoute is a command about the module that its first operand names.
func newModuleRoute(method, below string) *route {
	c := &route{operands: []string{"NAME"}}
	c.ask = func(p []string) (asked, error) {
		if !validName(p[0]) {
			return asked{}, fmt.Errorf("name %q is not 1 to 63 of the characters a-z 0-9 -", p[0])
		}
		path := c.own("modules", p[0])
		if below != "" {
			path = append(path, below)
		}
		return asked{method: method, path: path}, nil
	}
	return c
}

type module struct {
	Name             string
	Active, Previous *string
	Problem          string
	Versions         []struct {
		Digest, Created string
		Bytes           int64
		Resolvers       []string
		Active          bool
	}
}

func moduleRow(item json.RawMessage) ([]string, error) {
	var m module
	err := json.Unmarshal(item, &m)
	active := "none"
	if m.Active != nil {
		active = *m.Active
	}
	return []string{m.Name, active, strconv.Itoa(len(m.Versions))}, err
}

func showModule(answer []byte, t *table) error {
	var m module
	if err := json.Unmarshal(answer, &m); err != nil {
		return err
	}
	t.row("name", "%s", m.Name)
	if m.Problem != "" {
		t.row("problem", "%s", m.Problem)
	}
	for _, v := range m.Versions {
		state := ""
		switch {
		case v.Active:
			state = ", active"
		case m.Previous != nil && *m.Previous == v.Digest:
			state = ", rollback goes here"
		}
		t.row("version", "%s\n%d bytes, %s%s", v.Digest, v.Bytes, v.Created, state)
	}
	return nil
}

func showVersion(answer []byte, t *table) error {
	var p pushed
	if err := json.Unmarshal(answer, &p); err != nil {
		return err
	}
	p.show(t)
	return nil
}
