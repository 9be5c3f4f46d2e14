package runnel_test

import (
	"encoding/json"
	"testing"

	"orders-go/runnel"
)

type reading struct {
	Sensor runnel.ID `json:"sensor"`
	OK     bool      `json:"ok"`
	Count  *int32    `json:"count"`
	Grid   []*row    `json:"grid"`
	Unit   string    `json:"unit"`
}

type row struct {
	Values []float64 `json:"values"`
}

func TestRead(t *testing.T) {
	for payload, want := range map[string]string{
		`{"sensor" : 7 , "ok" : true , "grid" : [ { "values" : [ 1 , 2.5e3 ] } , null ] , "unit" : "a\n" ,"other":[{}],"OK":false}`: `{"sensor":"7","ok":true,"count":null,"grid":[{"values":[1,2500]},null],"unit":"a\n"}`,
		` {"sensor":"s","ok":false,"count":-2147483648,"grid":[],"unit":""} `:                                                       `{"sensor":"s","ok":false,"count":-2147483648,"grid":[],"unit":""}`,
		`{"sensor":"s","ok":true,"grid":[]}`:                              "event: unit: missing",
		`{"sensor":"s","ok":1,"grid":[],"unit":""}`:                       "event: ok: expected Boolean, got a number",
		`{"sensor":"s","ok":null,"grid":[],"unit":""}`:                    "event: ok: expected Boolean, got null",
		`{"sensor":true,"ok":true,"grid":[],"unit":""}`:                   "event: sensor: expected ID, got a boolean",
		`{"sensor":"s","ok":true,"count":2147483648,"grid":[],"unit":""}`: "event: count: 2147483648 is not an Int",
		`{"sensor":"s","ok":true,"count":1.5,"grid":[],"unit":""}`:        "event: count: 1.5 is not an Int",
		`{"sensor":"s","ok":true,"grid":[{"values":[1,"x"]}],"unit":""}`:  "event: grid.0.values.1: expected Float, got a string",
		`{"sensor":"s","ok":true,"grid":{},"unit":""}`:                    "event: grid: expected a list, got an object",
		`[1]`: "event: expected reading, got an array",
	} {
		value, err := runnel.NewEvent[reading](payload).Read()
		got := ""
		if err != nil {
			got = err.Error()
		} else if text, err := json.Marshal(value); err == nil {
			got = string(text)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", payload, got, want)
		}
	}
}
