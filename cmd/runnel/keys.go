package main

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"strings"
)

var keyEntries = []entry{
	{
		name: "keys", summary: "list the tenant's API keys",
		detail: "Lists the keys of the tenant, without the keys themselves: those are shown once.\n",
		make: func() command {
			c := &listing{member: "keys", header: []string{"ID", "SCOPES", "CREATED", "NAME"}, row: keyRow}
			c.path = func() []string { return c.own("keys") }
			return c
		},
	},
	{
		name: "keys create", summary: "create an API key",
		detail: `Creates a key and prints it. Nobody can read it again: keep it.

  runnel keys create --scopes modules,read --name deploy

The scopes: modules (upload and activate modules, their config and logs), events
(publish), read (everything that can be read of the tenant).
`,
		make: func() command { return newKeyCreate() },
	},
	{
		name: "keys delete", operands: "ID", summary: "revoke an API key",
		detail: "Revokes the key of that ID, at once.\n",
		make: func() command {
			c := &route{operands: []string{"ID"}}
			c.ask = func(p []string) (asked, error) {
				return asked{method: http.MethodDelete, path: c.own("keys", p[0])}, nil
			}
			return c
		},
	},
}

type key struct {
	ID, Name, Created, Key string
	Scopes                 []string
}

func keyRow(item json.RawMessage) ([]string, error) {
	var k key
	err := json.Unmarshal(item, &k)
	return []string{k.ID, strings.Join(k.Scopes, ","), k.Created, k.Name}, err
}

func newKeyCreate() *route {
	c := &route{}
	var name, scopes string
	c.define = func(set *flag.FlagSet) {
		set.StringVar(&name, "name", "", "a `NAME` for people")
		set.StringVar(&scopes, "scopes", "", "what the key is for, a `LIST` of modules, events, read")
	}
	c.ask = func([]string) (asked, error) {
		list := splitList(scopes)
		if len(list) == 0 {
			return asked{}, errors.New("--scopes is missing: modules, events, read, or several of them")
		}
		body := marshal(struct {
			Name   string   `json:"name,omitempty"`
			Scopes []string `json:"scopes"`
		}{name, list})
		return asked{method: http.MethodPost, path: c.own("keys"), media: "application/json", body: body}, nil
	}
	c.show = func(answer []byte, t *table) error {
		var k key
		if err := json.Unmarshal(answer, &k); err != nil {
			return err
		}
		t.row("id", "%s", k.ID)
		t.row("scopes", "%s", strings.Join(k.Scopes, ", "))
		t.row("key", "%s", k.Key)
		return nil
	}
	return c
}
