package tenant_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestDefinitionsCoverEveryField(t *testing.T) {
	definitions := tenant.Definitions()
	kind := reflect.TypeFor[tenant.Limits]()
	if len(definitions) != kind.NumField() {
		t.Fatalf("%d definitions for %d fields", len(definitions), kind.NumField())
	}
	for i, d := range definitions {
		var l tenant.Limits
		d.Set(&l, 7)
		if got := reflect.ValueOf(l).Field(i).Int(); got != 7 {
			t.Errorf("%s does not set field %s, the one of its row", d.Name, kind.Field(i).Name)
		}
		if want := strings.ToLower(d.Name[:1]) + d.Name[1:]; !strings.EqualFold(want, kind.Field(i).Name) {
			t.Errorf("row %d is named %s, its field %s", i, d.Name, kind.Field(i).Name)
		}
		if d.Min < 0 || d.Min > d.Default || d.Default > d.Max {
			t.Errorf("%s: default %d is outside %d to %d", d.Name, d.Default, d.Min, d.Max)
		}
		if d.Unit == "" || d.Scope == "" || d.Over == "" {
			t.Errorf("%s is not described", d.Name)
		}
	}
	if err := tenant.DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
}

func TestMerge(t *testing.T) {
	base := tenant.DefaultLimits()
	base.Modules = 3
	got, err := base.Merge([]byte(` {"fuelPerRun": 5000, "subscriptions":0, "modules":null} `))
	if err != nil {
		t.Fatal(err)
	}
	want := tenant.DefaultLimits()
	want.FuelPerRun, want.Subscriptions = 5000, 0
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if base.Modules != 3 || base.FuelPerRun == 5000 {
		t.Error("Merge changed its receiver")
	}
}

func TestMergeTakesEveryBoundAndNothingPastIt(t *testing.T) {
	for _, d := range tenant.Definitions() {
		for _, v := range []int64{d.Min, d.Max} {
			l, err := tenant.DefaultLimits().Merge(mustJSON(t, map[string]int64{d.Name: v}))
			if err != nil || d.Value(&l) != v {
				t.Errorf("%s = %d: %v", d.Name, v, err)
			}
		}
		for _, v := range []int64{d.Min - 1, d.Max + 1} {
			_, err := tenant.DefaultLimits().Merge(mustJSON(t, map[string]int64{d.Name: v}))
			if err == nil || !strings.Contains(err.Error(), d.Name) {
				t.Errorf("%s = %d: error %v does not name it", d.Name, v, err)
			}
			var l tenant.Limits
			d.Set(&l, v)
			if err := l.Validate(); err == nil {
				t.Errorf("%s = %d is valid", d.Name, v)
			}
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"fuelPerRum":1}`:                    `unknown limit "fuelPerRum"; did you mean fuelPerRun?`,
		`{"colour":1}`:                        `unknown limit "colour"; there are fuelPerRun, fuelPerOperation, fuelPerSecond, wallMillisPerRun, `,
		`{"fuelPerRun":"5000"}`:               "limit fuelPerRun must be a whole number of units of fuel from 1000 to 10000000000",
		`{"fuelPerRun":5000.5}`:               "limit fuelPerRun must be",
		`{"fuelPerRun":5e3}`:                  "limit fuelPerRun must be",
		`{"fuelPerRun":99999999999999999999}`: "limit fuelPerRun must be",
		`{"fuelPerRun":{}}`:                   "limit fuelPerRun must be",
		`{"fuelPerRun":1,"modules":-1}`:       "; limit modules must be",
		`{"modules":1,"modules":2}`:           `duplicate key "modules"`,
		`[]`:                                  "a JSON object is wanted, not array",
		`{`:                                   "limits: ",
		``:                                    "limits: ",
		`{"` + strings.Repeat("é", 500) + `":1}`: "ééé…\"",
	} {
		l, err := tenant.DefaultLimits().Merge([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		}
		var typed *tenant.LimitsError
		if !errors.As(err, &typed) || len(typed.Problems) == 0 {
			t.Errorf("%s: error of type %T", text, err)
		}
		if l != (tenant.Limits{}) {
			t.Errorf("%s: limits come with the error", text)
		}
	}
}

func TestMarshalKeepsTheOrder(t *testing.T) {
	text := mustJSON(t, tenant.DefaultLimits())
	back, err := tenant.Limits{}.Merge(text)
	if err != nil || back != tenant.DefaultLimits() {
		t.Fatalf("does not round-trip: %v", err)
	}
	from := 0
	for _, d := range tenant.Definitions() {
		at := strings.Index(string(text[from:]), `"`+d.Name+`":`)
		if at < 0 {
			t.Fatalf("%s is missing or out of order in %s", d.Name, text)
		}
		from += at
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
