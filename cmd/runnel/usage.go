package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

var usageEntries = []entry{
	{
		name: "usage", summary: "show what the tenant uses, against its limits",
		detail: "Shows what the tenant has used on all nodes, of others as of some seconds ago, and\nwhat it uses now on the node that answers against each limit.\n",
		make: func() command {
			c := &route{show: showUsage}
			c.ask = func([]string) (asked, error) { return asked{method: http.MethodGet, path: c.own("usage")}, nil }
			return c
		},
	},
}

func showUsage(answer []byte, t *table) error {
	var u struct {
		Node, Since string
		Usage       map[string]json.RawMessage
		Limits      []struct {
			Name, Unit string
			Limit      int64
			Used       *int64
		}
		Quarantined []struct {
			Module, Resolver, Until string
			Failures                int64
		}
	}
	if err := json.Unmarshal(answer, &u); err != nil {
		return err
	}
	t.wide("node", u.Node)
	t.wide("since", u.Since)
	for _, name := range slices.Sorted(maps.Keys(u.Usage)) {
		var byCode map[string]int64
		if json.Unmarshal(u.Usage[name], &byCode) != nil {
			t.wide(name, string(u.Usage[name]))
			continue
		}
		for _, code := range slices.Sorted(maps.Keys(byCode)) {
			if n := byCode[code]; n > 0 {
				t.wide(name, fmt.Sprintf("%d of %s", n, code))
			}
		}
	}
	for _, l := range u.Limits {
		if l.Used != nil {
			t.wide(l.Name, fmt.Sprintf("%d of %d %s", *l.Used, l.Limit, l.Unit))
		}
	}
	for _, q := range u.Quarantined {
		t.wide("in quarantine", fmt.Sprintf("%s of module %s until %s, after %d failures", q.Resolver, q.Module, q.Until, q.Failures))
	}
	return nil
}
