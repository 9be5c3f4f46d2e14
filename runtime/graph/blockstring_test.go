package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
)

const texts = "type Query { q(text: String, texts: [String], number: Int): String }"

// TestBlockStrings has values that graphql-js's parseValue gives.
func TestBlockStrings(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("m", texts, "Query.q")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ literal, want string }{
		{`"""a"""`, `"a"`},
		{`""""a" b"""`, `"\"a\" b"`},
		{"\"\"\"one\n    two\r\n    three\"\"\"", `"one\ntwo\nthree"`},
		{"\"\"\"  one\n    two\r      three\n  \"\"\"", `"  one\ntwo\n  three"`},
		{"\"\"\"\n  one\n    two\n\"\"\"", `"one\n  two"`},
		{"\"\"\"\t\u00e9\n\tb\n \n\tc \\\"\"\" \"\"\"", `"\t` + "\u00e9" + `\nb\n\nc \"\"\" "`},
		{"\"\"\"one\n  \n \"\"\"", `"one"`},
		{"\"\"\"one\n  \\\"\"\"\n   two\"\"\"", `"one\n\"\"\"\n two"`},
	} {
		// Neither a comment nor a string begins one, and what follows is read as before.
		query := fmt.Sprintf("# \"\"\"\n{ q(texts: [%s\"\" \"\\\"\" \"\" %s], text: %s) }", c.literal, c.literal, c.literal)
		arguments := string(bind(t, prepare(t, schema, query), "", "").Roots()[0].Arguments.JSON())
		if want := fmt.Sprintf(`{"text":%s,"texts":[%s,"","\"","",%s]}`, c.want, c.want, c.want); arguments != want {
			t.Errorf("%q is\n%s, want\n%s", query, arguments, want)
		}
	}
}

func TestBlockStringErrors(t *testing.T) {
	schema, err := graph.Compose([]graph.Source{source("m", texts, "Query.q")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query string
		code  abi.Code
		at    graph.Location
	}{
		{"{ q(number: \"\"\"one\n    two\"\"\") }", abi.CodeValidationFailed, graph.Location{Line: 1, Column: 13}},
		{"{ q(text: \"\"\"\u00e9\r\n    two\r   \"\"\"\n, number: \"\"\"1\n\"\"\") }", abi.CodeValidationFailed, graph.Location{Line: 4, Column: 11}},
		{"{ q(text: \"\"\"one\n    two\"\"\", none: 1) }", abi.CodeValidationFailed, graph.Location{Line: 2, Column: 13}},
		{`{ q(text: """one"""") }`, abi.CodeParseFailed, graph.Location{Line: 1, Column: 25}}, // of the end, which a space has moved
	} {
		_, errs := schema.Prepare(c.query, "", graph.Limits{})
		if len(errs) != 1 || errs[0].Code != c.code || len(errs[0].Locations) != 1 || errs[0].Locations[0] != c.at {
			t.Errorf("%q: %s, want %s at %v", c.query, errs.Append(nil), c.code, c.at)
		}
	}
}

func TestBlockStringsThatDescribe(t *testing.T) {
	sdl := "type Query { \"\"\"One\n    two\n      three\"\"\" q(text: String = \"\"\"a\n  b\"\"\"): String }"
	schema, err := graph.Compose([]graph.Source{source("m", sdl, "Query.q")}, graph.ComposeLimits{})
	if err != nil {
		t.Fatal(err)
	}
	response := bind(t, prepare(t, schema, `{ __type(name: "Query") { fields { description args { defaultValue } } } }`), "", "").AppendResponse(nil, nil)
	if want := `"description":"One\ntwo\n  three"`; !strings.Contains(string(response), want) {
		t.Errorf("%s has no %s", response, want)
	}
	if arguments := string(bind(t, prepare(t, schema, "{ q }"), "", "").Roots()[0].Arguments.JSON()); arguments != `{"text":"a\nb"}` {
		t.Errorf("the default is %s", arguments)
	}
}
