package main

import (
	_ "embed"
	"fmt"
	"strings"
)

// sdl is the schema that gqlgen's code is generated from.
//
//go:embed schema.graphql
var sdl string

// result is an operation with what its resolver gives: JSON that lists the
// members as the schema declares them, which is what serializers do.
type result struct {
	name   string
	query  string
	data   string // the root field's value below its name, as a guest gives it
	fields int    // of the response, root not counted
	whole  bool   // all of it is selected
}

var results = []result{
	{"5 fields", "{ order { id status total count note } }", `{"order":` + order(1) + "}", 5, true},
	{"200 fields", "{ wide {" + wideSelection(200) + " } }", `{"wide":` + wide() + "}", 200, true},
	{"200 fields, 20 objects of 10", "{ rows { id status total count note open tags customer { id name } } }", `{"rows":` + rows(20) + "}", 200, true},
	{"5 of 200 fields", "{ wide {" + wideSelection(5) + " } }", `{"wide":` + wide() + "}", 5, false},
}

// output is the value of the root field alone.
func (r *result) output() []byte {
	value := r.data[strings.IndexByte(r.data, ':')+1 : len(r.data)-1]
	return []byte(value)
}

func order(n int) string {
	return fmt.Sprintf(`{"id":"o-%d","status":"PAID","total":%d.5,"count":%d,"note":"leave it at the door"}`, n, 10+n, n)
}

func rows(count int) string {
	all := make([]string, count)
	for n := range all {
		all[n] = strings.TrimSuffix(order(n), "}") +
			fmt.Sprintf(`,"open":true,"tags":["new","gift"],"customer":{"id":"c-%d","name":"Zoë %d"}}`, n, n)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func wideSelection(count int) string {
	var b strings.Builder
	for n := range count {
		fmt.Fprintf(&b, " field%d", n)
	}
	return b.String()
}

func wide() string {
	members := make([]string, 200)
	for n := range members {
		members[n] = fmt.Sprintf(`"field%d":%s`, n, []string{`"some text"`, "12.5", "42", `"id-1"`, "[true,false]"}[n%5])
	}
	return "{" + strings.Join(members, ",") + "}"
}
