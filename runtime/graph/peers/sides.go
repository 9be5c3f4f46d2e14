package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/runnel-dev/runnel/runtime/bench"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/graph/peers/gqlgen"
)

// sides are the ways to answer an operation.
type sides struct {
	runnel  func() // from the guest's JSON to the response
	execute func() // gqlgen, from structs to the response's data
	write   func() // the last step of that
	encode  func() // encoding/json, from structs to the data
	fresh   func() // runnel into a buffer of its own

	response []byte // what runnel gives
}

// sidesOf refuses an operation to which not all give the same bytes.
func sidesOf(r *result) (*sides, error) {
	operation, err := bind(r.query)
	if err != nil {
		return nil, err
	}
	outputs := []graph.Result{{Output: r.output()}}
	data := &gqlgen.Data{}
	if err := json.Unmarshal([]byte(r.data), data); err != nil {
		return nil, err
	}
	peer, err := gqlgen.Prepare(r.query, data)
	if err != nil {
		return nil, err
	}
	var written bytes.Buffer
	s := &sides{
		execute: func() { peer.Execute() },
		encode:  func() { json.Marshal(data) },
		fresh:   func() { operation.AppendResponse(nil, outputs) },
	}
	s.runnel = func() { s.response = operation.AppendResponse(s.response[:0], outputs) }
	s.write = func() {
		written.Reset()
		peer.Write(&written)
	}
	s.runnel()
	s.write()
	encoded, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	given := map[string][]byte{"gqlgen": peer.Execute(), "gqlgen's last step": written.Bytes()}
	if r.whole {
		given["encoding/json"] = encoded
	}
	for name, other := range given {
		if want := `{"data":` + string(other) + "}"; string(s.response) != want {
			return nil, fmt.Errorf("%s gives %s, which is not in %s", name, other, s.response)
		}
	}
	return s, nil
}

func bind(query string) (*graph.Operation, error) {
	source := graph.Source{Module: "m", SDL: sdl, Resolvers: []string{"Query.order", "Query.wide", "Query.rows"}}
	schema, err := graph.Compose([]graph.Source{source}, graph.ComposeLimits{})
	if err != nil {
		return nil, err
	}
	plan, errs := schema.Prepare(query, "", graph.Limits{})
	if errs != nil {
		return nil, fmt.Errorf("%s", errs.Append(nil))
	}
	operation, errs := plan.Bind(nil, nil, graph.Limits{})
	if errs != nil {
		return nil, fmt.Errorf("%s", errs.Append(nil))
	}
	return operation, nil
}

func side(call func()) bench.Side {
	return bench.Each(func() error {
		call()
		return nil
	})
}

func allocations(call func()) float64 { return testing.AllocsPerRun(1000, call) }
