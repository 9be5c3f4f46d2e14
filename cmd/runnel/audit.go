package main

import (
	"encoding/json"
	"flag"
	"strconv"
)

var auditEntries = []entry{
	{
		name: "audit", summary: "list who changed what",
		detail: "Lists what was done to the tenant, the newest first; with --all, who made and\ndeleted tenants.\n",
		make:   func() command { return newAudit() },
	},
}

type audit struct {
	listing
	all bool
}

func newAudit() *audit {
	c := &audit{}
	c.listing = listing{member: "entries", header: []string{"TIME", "ACTOR", "STATUS", "ACTION", "TENANT", "TARGET"}, row: auditRow}
	c.path = func() []string {
		if c.all {
			return []string{"audit"}
		}
		return c.own("audit")
	}
	return c
}

func (c *audit) flags(set *flag.FlagSet) {
	c.listing.flags(set)
	set.BoolVar(&c.all, "all", false, "the log of the server instead of the tenant's")
}

func auditRow(item json.RawMessage) ([]string, error) {
	var e struct {
		Time, Actor, Action, Tenant, Target string
		Status                              int
	}
	err := json.Unmarshal(item, &e)
	return []string{e.Time, e.Actor, strconv.Itoa(e.Status), e.Action, e.Tenant, e.Target}, err
}
