package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

var tenantEntries = []entry{
	{
		name: "tenants", summary: "list the tenants",
		detail: "Lists the tenants of the server, with the admin token.\n",
		make: func() command {
			return &listing{
				path: func() []string { return []string{"tenants"} }, member: "tenants",
				header: []string{"ID", "CREATED", "INTROSPECTION", "DEBUG"}, row: tenantRow,
			}
		},
	},
	{
		name: "tenants show", operands: "ID", summary: "show a tenant with its limits",
		detail: "Shows what was decided about a tenant, and every limit with its value.\n",
		make:   func() command { return newTenantRoute(http.MethodGet, nil) },
	},
	{
		name: "tenants create", operands: "ID", summary: "create a tenant",
		detail: `Creates a tenant. Limits that are not named have their defaults.

  runnel tenants create acme --set modules=5 --set fuelPerRun=1000000
`,
		make: func() command { return newTenantRoute(http.MethodPost, new(tenantChange)) },
	},
	{
		name: "tenants set", operands: "ID", summary: "change a tenant's limits and switches",
		detail: `Changes what is named, all of it or nothing; the rest stays. A limit of
"default" goes back to its default.

  runnel tenants set acme --set subscriptions=500000 --set modules=default --debug=true
`,
		make: func() command { return newTenantRoute(http.MethodPatch, new(tenantChange)) },
	},
	{
		name: "tenants delete", operands: "ID", summary: "delete a tenant with all that it has",
		detail: "Deletes a tenant, its modules, keys and settings, and ends its connections. Ask for\nit with --yes: there is no way back.\n",
		make:   func() command { return newTenantDelete() },
	},
}

func tenantRow(item json.RawMessage) ([]string, error) {
	var t struct {
		ID, Created          string
		Introspection, Debug bool
	}
	err := json.Unmarshal(item, &t)
	return []string{t.ID, t.Created, onOff(t.Introspection), onOff(t.Debug)}, err
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// tenantChange is what the flags say of a tenant.
type tenantChange struct {
	limits               limitFlags
	introspection, debug optionalBool
}

// body is the JSON of a request; id is left out where it is empty.
func (c *tenantChange) body(id string) []byte {
	return marshal(struct {
		ID            string            `json:"id,omitempty"`
		Limits        map[string]*int64 `json:"limits,omitempty"`
		Introspection *bool             `json:"introspection,omitempty"`
		Debug         *bool             `json:"debug,omitempty"`
	}{id, c.limits, c.introspection.value, c.debug.value})
}

// newTenantRoute is a command about the one tenant that its operand names.
func newTenantRoute(method string, change *tenantChange) *route {
	c := &route{operands: []string{"ID"}, show: showTenant}
	if change != nil {
		c.define = func(set *flag.FlagSet) {
			set.Var(&change.limits, "set", "a limit, `NAME=VALUE`; may be given several times")
			set.Var(&change.introspection, "introspection", "whether operations may ask for the schema, `true` or false")
			set.Var(&change.debug, "debug", "whether subscribers are shown what a trap said, `true` or false")
		}
	}
	c.ask = func(p []string) (asked, error) {
		if !validName(p[0]) {
			return asked{}, fmt.Errorf("tenant %q is not 1 to 63 of the characters a-z 0-9 -", p[0])
		}
		a := asked{method: method, path: []string{"tenants", p[0]}}
		switch method {
		case http.MethodPost:
			a.path, a.media, a.body = []string{"tenants"}, "application/json", change.body(p[0])
		case http.MethodPatch:
			a.media, a.body = "application/json", change.body("")
			if string(a.body) == "{}" {
				return asked{}, errors.New("nothing is to be changed; give --set, --introspection or --debug")
			}
		}
		return a, nil
	}
	return c
}

func newTenantDelete() *route {
	c := newTenantRoute(http.MethodDelete, nil)
	var sure bool
	c.define = func(set *flag.FlagSet) { set.BoolVar(&sure, "yes", false, "delete it") }
	ask := c.ask
	c.ask = func(p []string) (asked, error) {
		if !sure {
			return asked{}, fmt.Errorf("tenant %s would be deleted with all that it has; say so with --yes", p[0])
		}
		return ask(p)
	}
	return c
}

func showTenant(answer []byte, t *table) error {
	var tenant struct {
		ID, Created          string
		Introspection, Debug bool
		Limits               map[string]json.Number
	}
	if err := json.Unmarshal(answer, &tenant); err != nil {
		return err
	}
	t.wide("id", tenant.ID)
	t.wide("created", tenant.Created)
	t.wide("introspection", onOff(tenant.Introspection))
	t.wide("debug", onOff(tenant.Debug))
	for _, name := range slices.Sorted(maps.Keys(tenant.Limits)) {
		t.wide(name, tenant.Limits[name].String())
	}
	return nil
}

// limitFlags are limits as NAME=VALUE; nil stands for the default.
type limitFlags map[string]*int64

// String implements flag.Value.
func (l *limitFlags) String() string { return "" }

// Set implements flag.Value.
func (l *limitFlags) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("NAME=VALUE is wanted")
	}
	if *l == nil {
		*l = limitFlags{}
	}
	if _, twice := (*l)[name]; twice {
		return fmt.Errorf("the limit %s is given twice", name)
	}
	if value == "default" {
		(*l)[name] = nil
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no whole number", value)
	}
	(*l)[name] = &n
	return nil
}

// optionalBool is a flag that may be left out.
type optionalBool struct{ value *bool }

// String implements flag.Value.
func (b *optionalBool) String() string { return "" }

// Set implements flag.Value.
func (b *optionalBool) Set(text string) error {
	value, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("true or false is wanted")
	}
	b.value = &value
	return nil
}
