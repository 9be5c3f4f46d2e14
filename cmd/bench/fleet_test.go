//go:build linux

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// message is what a right server sends for an order.
func message(o []byte) string {
	return fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"orderUpdated":%s}}}`, o)
}

func TestEveryByteIsChecked(t *testing.T) {
	fleetOf := func() *fleet {
		f := &fleet{}
		f.begin()
		for customer := range 3 {
			f.expect(customer, "", 1)
		}
		return f
	}
	right := func(number int) string { return message(fleetOf().take([]int{number})[0]) }
	for name, c := range map[string]struct {
		customer int
		messages []string
		want     string // empty where all is well
	}{
		"all orders":              {everyone, []string{right(0), right(1), right(2)}, ""},
		"one's own":               {1, []string{right(1)}, ""},
		"another customer's":      {1, []string{right(0)}, "the subscriber of customer 1"},
		"twice":                   {everyone, []string{right(0), right(0)}, "order 0 came after 0"},
		"out of order":            {everyone, []string{right(1), right(0)}, "order 0 came after 1"},
		"unknown":                 {everyone, []string{right(0), strings.Replace(right(1), "o-1", "o-9", 1)}, "was not published"},
		"a field changed":         {everyone, []string{right(0), strings.Replace(right(1), ".25", ".26", 1)}, "want"},
		"a field changed, first":  {everyone, []string{strings.Replace(right(0), ".25", ".26", 1)}, "want the order"},
		"something behind":        {everyone, []string{right(0), right(1) + " "}, "want"},
		"another operation first": {everyone, []string{strings.Replace(right(0), `"id":"1"`, `"id":"2"`, 1)}, "unexpected message"},
		"another operation":       {everyone, []string{right(0), strings.Replace(right(1), `"id":"1"`, `"id":"2"`, 1)}, "unexpected message"},
		"errors":                  {everyone, []string{`{"id":"1","type":"error","payload":[{"message":"no"}]}`}, "cannot unmarshal"},
		"the end":                 {everyone, []string{`{"id":"1","type":"complete"}`}, "unexpected message"},
	} {
		f, err := fleetOf(), error(nil)
		to := &client{customer: c.customer, last: -1}
		for _, m := range c.messages {
			if err = f.handle(to, opText, []byte(m), time.Now()); err != nil {
				break
			}
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want == "" && f.window.missing != 3-len(c.messages):
			t.Errorf("%s: %d messages are missing", name, f.window.missing)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
