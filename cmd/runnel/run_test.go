package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
)

// invocation is what one command line gave.
type invocation struct {
	code        int
	out, errors string
}

// invoke runs a command line, without anything that the environment says.
func invoke(t *testing.T, stdin string, args ...string) invocation {
	t.Helper()
	clearEnvironment(t)
	var out, errors bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &out, &errors)
	return invocation{code, out.String(), errors.String()}
}

func clearEnvironment(t *testing.T) {
	for _, name := range []string{"RUNNEL_SERVER", "RUNNEL_TENANT", "RUNNEL_TOKEN"} {
		t.Setenv(name, "")
	}
}

func TestUsageErrors(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string // in stderr
	}{
		"nothing":               {nil, "usage: runnel COMMAND"},
		"unknown command":       {[]string{"pull"}, `there is no command "pull"`},
		"help of the unknown":   {[]string{"help", "pull"}, `there is no command "pull"`},
		"unknown flag":          {[]string{"version", "--loud"}, "-loud"},
		"flag without value":    {[]string{"push", "f", "--name"}, "needs an argument"},
		"positional too many":   {[]string{"version", "now"}, `unexpected argument "now"`},
		"push without file":     {[]string{"push", "--name", "orders"}, "FILE is missing"},
		"push without name":     {[]string{"push", "f"}, "--name is missing"},
		"push with a bad name":  {[]string{"push", "--name", "Orders", "f"}, `name "Orders" is not`},
		"push twice stdin":      {[]string{"push", "--name", "o", "--schema", "-", "-"}, "not both"},
		"bad tenant":            {[]string{"push", "--name", "o", "--tenant", "a/b", "f"}, `tenant "a/b" is not`},
		"bad scheme":            {[]string{"push", "--name", "o", "--server", "ftp://x", "f"}, "http:// or https://"},
		"no scheme":             {[]string{"push", "--name", "o", "--server", "localhost:8080", "f"}, "http:// or https://"},
		"no host":               {[]string{"push", "--name", "o", "--server", "http://:80", "f"}, "http:// or https://"},
		"no URL":                {[]string{"push", "--name", "o", "--server", "http://secret@%zz", "f"}, "cannot be read: "},
		"password in the URL":   {[]string{"push", "--name", "o", "--server", "http://u:secret@x", "f"}, "use --token"},
		"query in the URL":      {[]string{"push", "--name", "o", "--server", "http://x/?a", "f"}, "holds a query"},
		"token with a new line": {[]string{"push", "--name", "o", "--token", "secret\nX: y", "f"}, "the token has characters"},
		"time-out of nothing":   {[]string{"push", "--name", "o", "--timeout", "0s", "f"}, "timeout 0s"},
		"publish without JSON":  {[]string{"publish", "orders"}, "JSON is missing"},
		"publish bad channel":   {[]string{"publish", "or ders", "{}"}, `channel "or ders" is not`},
		"publish bad JSON":      {[]string{"publish", "orders", "{\n \"a\":}"}, "line 2, column 6"},
		"publish two JSONs":     {[]string{"publish", "orders", "{} {}"}, "line 1, column 4"},
		"publish a minus":       {[]string{"publish", "orders", "-1"}, "-1"},
		"ndjson and channel":    {[]string{"publish", "--ndjson", "f", "orders"}, `unexpected argument "orders"`},
		"retry below zero":      {[]string{"publish", "orders", "1", "--retry", "-1s"}, "retry -1s is below zero"},
		"ndjson and id":         {[]string{"publish", "--ndjson", "f", "--id", "1"}, "--id does not go"},
		"subscribe nothing":     {[]string{"subscribe"}, "OPERATION is missing"},
		"variables no JSON":     {[]string{"subscribe", "{a}", "--variables", "{a}"}, "--variables: "},
		"variables no object":   {[]string{"subscribe", "{a}", "--variables", "[1]"}, "an object is needed, found array"},
		"claims no object":      {[]string{"subscribe", "{a}", "--claims", `"x"`}, "--claims: an object is needed"},
		"count below zero":      {[]string{"subscribe", "{a}", "--count", "-1"}, "--count is below zero"},
		"inspect nothing":       {[]string{"inspect"}, "FILE is missing"},
		"meter without -o":      {[]string{"meter", "f"}, "-o OUT is missing"},
		"meter nothing":         {[]string{"meter", "-o", "f"}, "IN is missing"},
	} {
		got := invoke(t, "", test.args...)
		if got.code != exitUsage || got.out != "" || !strings.Contains(got.errors, test.want) {
			t.Errorf("%s: %+v, want exit 2 and %q", name, got, test.want)
		}
		if strings.Contains(got.errors, "secret") {
			t.Errorf("%s: %q tells a secret", name, got.errors)
		}
	}
}

func TestUsageErrorAsJSON(t *testing.T) {
	const usage = "usage: runnel publish "
	text := invoke(t, "", "publish", "orders", "{x")
	if !strings.Contains(text.errors, "the payload: ") || !strings.Contains(text.errors, "\n"+usage) {
		t.Errorf("text: %+v", text)
	}
	want := strings.TrimPrefix(text.errors[:strings.Index(text.errors, "\nusage: ")], "runnel publish: ")
	encoded, err := json.Marshal(map[string]string{"title": want})
	if err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, "", "publish", "--json", "orders", "{x"); got != (invocation{code: exitUsage, errors: string(encoded) + "\n"}) {
		t.Errorf("JSON: %+v, want %s", got, encoded)
	}
}

// An event that nests too deep is refused at the user's own text, one that just
// does not is sent.
func TestNestingOfPayloads(t *testing.T) {
	for depth, want := range map[int]string{64: "cannot be reached", 65: "levels of nesting"} {
		payload := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		got := invoke(t, "", "publish", "--server", "http://127.0.0.1:1", "orders", payload)
		if !strings.Contains(got.errors, want) {
			t.Errorf("depth %d: %+v, want %q", depth, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	general := invoke(t, "", "help")
	if general.code != exitDone || general.errors != "" {
		t.Errorf("help: %+v", general)
	}
	for _, args := range [][]string{{"-h"}, {"--help"}} {
		if got := invoke(t, "", args...); got != general {
			t.Errorf("%v: %+v", args, got)
		}
	}
	t.Setenv("RUNNEL_TOKEN", "s3cr3t-token")
	for _, e := range commands {
		if !strings.Contains(general.out, "  "+e.name+" ") {
			t.Errorf("help leaves out %s", e.name)
		}
		got := invoke(t, "", append([]string{"help"}, strings.Fields(e.name)...)...)
		if got.code != exitDone || got.errors != "" || !strings.Contains(got.out, "usage: runnel "+e.name) {
			t.Errorf("help %s: %+v", e.name, got)
		}
		if !strings.Contains(got.out, "  --json ") || strings.Contains(got.out, "s3cr3t") {
			t.Errorf("help %s: %q", e.name, got.out)
		}
		if flagged := invoke(t, "", append(strings.Fields(e.name), "--help")...); flagged != got {
			t.Errorf("%s --help: %+v", e.name, flagged)
		}
	}
}

func TestVersion(t *testing.T) {
	got := invoke(t, "", "version")
	if got.code != exitDone || !strings.HasPrefix(got.out, "runnel ") || strings.Count(got.out, "\n") != 1 {
		t.Errorf("version: %+v", got)
	}
	if same := invoke(t, "", "--version"); same != got {
		t.Errorf("--version: %+v", same)
	}
	var answer struct{ Version, Go, Platform string }
	got = invoke(t, "", "version", "--json")
	if err := json.Unmarshal([]byte(got.out), &answer); err != nil || answer.Version == "" || answer.Go == "" || answer.Platform == "" {
		t.Errorf("version --json: %+v: %v", got, err)
	}
}

func TestParse(t *testing.T) {
	type parsed struct {
		name        string
		loud        bool
		positionals []string
	}
	for _, test := range []struct {
		args string
		want parsed
	}{
		{"", parsed{}},
		{"a b", parsed{positionals: []string{"a", "b"}}},
		{"--name n a", parsed{name: "n", positionals: []string{"a"}}},
		{"a --name n --loud b", parsed{"n", true, []string{"a", "b"}}},
		{"a -name=n b", parsed{"n", false, []string{"a", "b"}}},
		{"--loud a", parsed{loud: true, positionals: []string{"a"}}},
		{"--loud=false a", parsed{positionals: []string{"a"}}},
		{"a -- --loud -- b", parsed{positionals: []string{"a", "--loud", "--", "b"}}},
		{"--name -- a --loud", parsed{"--", true, []string{"a"}}},
		{"--name --loud a", parsed{name: "--loud", positionals: []string{"a"}}},
		{"- a", parsed{positionals: []string{"-", "a"}}},
	} {
		var got parsed
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		set.StringVar(&got.name, "name", "", "")
		set.BoolVar(&got.loud, "loud", false, "")
		var err error
		got.positionals, err = parse(set, strings.Fields(test.args))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %+v, %v; want %+v", test.args, got, err, test.want)
		}
	}
	for _, args := range []string{"--name", "a --name", "--what", "a -x=1 b", "--loud=maybe", "---name n", "-=a"} {
		set := flag.NewFlagSet("test", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		set.String("name", "", "")
		set.Bool("loud", false, "")
		if positionals, err := parse(set, strings.Fields(args)); err == nil {
			t.Errorf("%q gave %q and no error", args, positionals)
		}
	}
}
