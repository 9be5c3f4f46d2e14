package main

import (
	"encoding/json"
	"net/http"
	"strconv"
)

var subscriptionEntries = []entry{
	{
		name: "subscriptions", summary: "list the tenant's live subscriptions",
		detail: "Lists the live subscriptions of the node that answers.\n",
		make: func() command {
			c := &listing{
				member: "subscriptions", row: subscriptionRow,
				header: []string{"ID", "FIELD", "OPERATION", "SUBJECT", "CREATED", "LAST DELIVERY", "DELIVERED", "DROPPED"},
			}
			c.path = func() []string { return c.own("subscriptions") }
			return c
		},
	},
	{
		name: "subscriptions end", operands: "ID", summary: "end a live subscription",
		detail: "Ends a subscription with an error that says so; the subscriber's connection\nstays.\n",
		make: func() command {
			c := &route{operands: []string{"ID"}}
			c.ask = func(p []string) (asked, error) {
				return asked{method: http.MethodDelete, path: c.own("subscriptions", p[0])}, nil
			}
			return c
		},
	},
}

func subscriptionRow(item json.RawMessage) ([]string, error) {
	var s struct {
		ID, OperationName, Field, Subject, Created, LastDelivery string
		Delivered, Dropped                                       int64
	}
	err := json.Unmarshal(item, &s)
	return []string{
		s.ID, s.Field, s.OperationName, s.Subject, s.Created, s.LastDelivery, strconv.FormatInt(s.Delivered, 10), strconv.FormatInt(s.Dropped, 10),
	}, err
}
