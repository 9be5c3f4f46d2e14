// Package vectors holds the test vectors of runnel_v1. They are part of the
// contract: a host or an SDK conforms when it replays them all. README.md in
// this directory describes the format.
package vectors

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed orders.json shop.json probe.json probe.graphql
var files embed.FS

// Vector is one run. Fields are as README.md describes them; a nil RawMessage
// means "none".
type Vector struct {
	Name          string                     `json:"name"`
	Resolver      string                     `json:"resolver"`
	Event         json.RawMessage            `json:"event"`
	Arguments     map[string]json.RawMessage `json:"arguments"`
	Meta          json.RawMessage            `json:"meta"`
	Parents       json.RawMessage            `json:"parents"`
	Config        json.RawMessage            `json:"config"`
	Claims        map[string]json.RawMessage `json:"claims"`
	Permissions   []string                   `json:"permissions"`
	PublishResult int32                      `json:"publishResult"`

	Reads          []string        `json:"reads"`
	Verdict        Verdict         `json:"verdict"`
	Output         json.RawMessage `json:"output"`
	Fail           string          `json:"fail"`
	FailExtensions json.RawMessage `json:"failExtensions"`
	Published      []Published     `json:"published"`
	Log            []LogLine       `json:"log"`
}

// Published is an event that the run hands to publish.
type Published struct {
	Channel string          `json:"channel"`
	Payload json.RawMessage `json:"payload"`
}

// LogLine is a line that the run logs.
type LogLine struct {
	Level   int32  `json:"level"`
	Message string `json:"message"`
}

// Verdict is the value that the resolver returns, or a trap.
type Verdict struct {
	Value int32
	Trap  bool
}

// UnmarshalJSON accepts a number or "trap".
func (v *Verdict) UnmarshalJSON(text []byte) error {
	if string(text) == `"trap"` {
		*v = Verdict{Trap: true}
		return nil
	}
	*v = Verdict{}
	return json.Unmarshal(text, &v.Value)
}

// Load returns the vectors for the module named "orders", "shop" or "probe".
func Load(module string) ([]Vector, error) {
	text, err := files.ReadFile(module + ".json")
	if err != nil {
		return nil, fmt.Errorf("vectors of %s: %w", module, err)
	}
	var file struct {
		Module  string   `json:"module"`
		Vectors []Vector `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("vectors of %s: %w", module, err)
	}
	return file.Vectors, nil
}

// ProbeSchema returns the schema of the conformance module.
func ProbeSchema() string {
	text, err := files.ReadFile("probe.graphql")
	if err != nil {
		panic(err) // embedded above
	}
	return string(text)
}
