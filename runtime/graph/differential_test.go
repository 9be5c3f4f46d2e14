package graph_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/graph/graphtest/random"
)

var (
	differentialCases = flag.Int("cases", 10_000, "how many random requests TestDifferential compares")
	differentialSeed  = flag.Uint64("seed", 0, "the seed of the first schema")
)

const casesPerSchema = 50

// verdict is what became of a request.
type verdict struct {
	Stage    string // syntax, validation, request (refused before execution) or execution
	Messages []string
	Rules    []string // of graphql-js, that the document breaks
	Errors   []fault  // of execution
	Data     string
	Calls    [][2]string // of root fields: response key, arguments
	Resolved [][2]string // of fields of object types: resolver, arguments
}

// fault is where an error is, in the response and in the operation's text.
type fault struct {
	Path      []any
	Locations []graph.Location
}

// numbered is a case with the schema that it belongs to.
type numbered struct {
	random.Case
	seed   uint64
	index  int
	schema *graph.Schema
	sdl    string
}

// TestDifferential compares random requests with graphql-js: whether and at
// which stage a request fails, the data with the order of its keys, the paths
// and locations of errors, and the arguments that fields are called with. What fails is
// made again with -seed and -cases 50.
func TestDifferential(t *testing.T) {
	count := *differentialCases
	if raceEnabled {
		count /= 10
	}
	cases := make(chan numbered, casesPerSchema)
	answers := startOracle(t, count, cases)
	stages, rules := map[string]int{}, map[string]int{}
	failed, resolved := 0, 0
	for c := range cases {
		var want verdict
		if err := answers.Decode(&want); err != nil {
			t.Fatalf("seed %d, case %d: the oracle's answer: %v", c.seed, c.index, err)
		}
		stages[want.Stage]++
		for _, rule := range want.Rules {
			rules[strings.TrimSuffix(rule, "Rule")]++
		}
		if len(want.Resolved) > 0 {
			resolved++
		}
		got := judge(c.schema, c.Case)
		if difference := compare(got, want); difference != "" && deviation(c.Case, got, want) == "" {
			if failed++; failed <= 10 {
				t.Errorf("seed %d, case %d (%s): %s\n%s\noperation %q, variables %s\noutputs %.1000v, resolvers %.1000s\ngot  %.1000q\nwant %.1000q",
					c.seed, c.index, c.Fault, difference, c.Query, c.OperationName, c.Variables, c.Outputs, resolversText(c.Resolvers), got.Messages, want.Messages)
			}
		}
	}
	t.Logf("seeds from %d: %d cases, %d differ; in %d fields of object types are resolved; stages %v, rules %v", *differentialSeed, count, failed, resolved, stages, rules)
	if count < 4000 {
		return
	}
	if resolved < count/20 {
		t.Errorf("fields of object types are resolved in %d cases alone", resolved)
	}
	for _, rule := range random.Rules() {
		if rules[rule] == 0 {
			t.Errorf("no case breaks %s", rule)
		}
	}
}

func resolversText(resolvers map[string]*random.Resolver) string {
	text, _ := json.Marshal(resolvers)
	return string(text)
}

// graphqlJS is a script beside the pinned graphql-js.
func graphqlJS(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	dir := filepath.Join("testdata", "graphql-js")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	command := exec.Command("node", script)
	command.Dir, command.Stderr = dir, os.Stderr
	return command
}

// startOracle sends cases to graphql-js. It returns what decodes the answers,
// and gives each case to the channel once it is sent.
func startOracle(t *testing.T, count int, cases chan numbered) *json.Decoder {
	t.Helper()
	command := graphqlJS(t, "oracle.js")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	sent := make(chan error, 1)
	go func() { sent <- send(input, count, cases) }()
	t.Cleanup(func() {
		for range cases { // that nobody has taken, since the test has ended early
			_ = command.Process.Kill()
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return json.NewDecoder(bufio.NewReader(output))
}

func send(input io.WriteCloser, count int, cases chan<- numbered) error {
	defer close(cases)
	buffered := bufio.NewWriter(input)
	encoder := json.NewEncoder(buffered)
	var source *random.Schema
	var c numbered
	for i := range count {
		if i%casesPerSchema == 0 {
			c.seed = *differentialSeed + uint64(i/casesPerSchema)
			source = random.New(c.seed)
			var err error
			c.schema, err = graph.Compose([]graph.Source{{Module: "m", SDL: source.SDL, Resolvers: source.Resolvers}}, graph.ComposeLimits{})
			if err != nil {
				return fmt.Errorf("seed %d: %w\n%s", c.seed, err, source.SDL)
			}
			c.sdl = source.SDL
			if err := encoder.Encode(map[string]string{"sdl": graph.Predeclared + source.SDL}); err != nil {
				return err
			}
		}
		c.Case, c.index = source.Case(), i%casesPerSchema
		err := encoder.Encode(map[string]any{
			"query": c.Query, "operationName": nilIfEmpty(c.OperationName), "variables": c.Variables, "outputs": c.Outputs, "resolvers": c.Resolvers,
		})
		if err != nil {
			return err
		}
		if err := buffered.Flush(); err != nil {
			return err
		}
		cases <- c
	}
	return input.Close()
}

func nilIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// judge gives a request to this package.
func judge(schema *graph.Schema, c random.Case) verdict {
	plan, errs := schema.Prepare(c.Query, c.OperationName, graph.Limits{})
	if errs != nil {
		stage := "validation"
		switch errs[0].Code {
		case abi.CodeParseFailed:
			stage = "syntax"
		case abi.CodeLimitExceeded, abi.CodeInternal:
			stage = string(errs[0].Code)
		}
		return verdict{Stage: stage, Messages: messages(errs)}
	}
	operation, errs := plan.Bind([]byte(c.Variables), nil, graph.Limits{})
	if errs != nil {
		return verdict{Stage: "request", Messages: messages(errs)}
	}
	v := verdict{Stage: "execution"}
	var results []graph.Result
	for _, root := range operation.Roots() {
		results = append(results, graph.Result{Output: []byte(c.Outputs[root.Field.Resolver])})
		v.Calls = append(v.Calls, [2]string{root.ResponseKey, string(root.Arguments.JSON())})
	}
	var response struct {
		Errors []struct {
			Message string
			fault
		}
		Data json.RawMessage
	}
	text := v.execute(operation, results, c)
	if err := json.Unmarshal(text, &response); err != nil {
		return verdict{Stage: "no JSON", Messages: []string{err.Error(), string(text)}}
	}
	for _, e := range response.Errors {
		v.Messages = append(v.Messages, e.Message)
		v.Errors = append(v.Errors, e.fault)
	}
	v.Data = string(response.Data)
	return v
}

// execute resolves the fields of object types, in batches of a few parents, and
// returns the response.
func (v *verdict) execute(operation *graph.Operation, results []graph.Result, c random.Case) []byte {
	e := operation.Begin(results, graph.ExecutionLimits{ParentsPerRun: 1 + len(c.Query)%3, OutputBytes: 1 << 30})
	for batches := e.Next(); batches != nil; batches = e.Next() {
		for _, b := range batches {
			arguments := string(b.Arguments().JSON())
			v.Resolved = append(v.Resolved, [2]string{b.Field().Resolver, arguments})
			resolver := c.Resolvers[b.Field().Resolver]
			if resolver.Fault == random.Failed {
				b.Resolve(graph.Result{Err: &graph.Error{Message: "failed", Code: abi.CodeResolverTrap}})
				continue
			}
			b.Resolve(graph.Result{Output: []byte(resolver.Output(numbersOf(b.AppendParents(nil)), members(arguments)))})
		}
	}
	return e.AppendResponse(nil)
}

// numbersOf returns the numbers of parents.
func numbersOf(parents []byte) []int {
	var objects []map[string]json.RawMessage
	if err := json.Unmarshal(parents, &objects); err != nil {
		panic(err)
	}
	numbers := make([]int, len(objects))
	for i, o := range objects {
		if text, ok := o[random.NumberMember]; ok {
			if err := json.Unmarshal(text, &numbers[i]); err != nil {
				panic(err)
			}
		}
	}
	return numbers
}

// members counts the members of an object.
func members(text string) int {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		panic(err)
	}
	return len(object)
}

func messages(errs graph.Errors) []string {
	texts := make([]string, len(errs))
	for i, e := range errs {
		texts[i] = e.Message
	}
	return texts
}

// compare says how two verdicts differ; empty where they do not.
func compare(got, want verdict) string {
	switch {
	case got.Stage != want.Stage:
		return fmt.Sprintf("stage %s, want %s", got.Stage, want.Stage)
	case got.Stage != "execution":
		return ""
	case normal(got.Data) != normal(want.Data):
		return "data differs: " + firstDifference(normal(got.Data), normal(want.Data))
	case sorted(got.Errors) != sorted(want.Errors):
		return fmt.Sprintf("errors at %s, want %s", sorted(got.Errors), sorted(want.Errors))
	case len(got.Calls) != len(want.Calls) && (want.Data != "null" || len(got.Calls) < len(want.Calls)):
		return fmt.Sprintf("calls %v, want %v", got.Calls, want.Calls)
	}
	resolved := make(map[[2]string]bool, len(got.Resolved))
	for _, call := range got.Resolved {
		resolved[[2]string{call[0], normal(call[1])}] = true
	}
	// Once an error has made an object null, graphql-js resolves no more of its
	// fields; here they are, level by level.
	for _, call := range want.Resolved {
		if !resolved[[2]string{call[0], normal(call[1])}] {
			return fmt.Sprintf("%v is not resolved", call)
		}
	}
	// Once a root field has made all of the data null, graphql-js calls no others.
	for i := range want.Calls {
		if got.Calls[i][0] != want.Calls[i][0] || normal(got.Calls[i][1]) != normal(want.Calls[i][1]) {
			return fmt.Sprintf("call %v, want %v", got.Calls[i], want.Calls[i])
		}
	}
	return ""
}

// firstDifference shows two texts from a little before where they part.
func firstDifference(got, want string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	from := max(0, at-60)
	return fmt.Sprintf("got …%.200s, want …%.200s", got[from:], want[from:])
}

func sorted(errors []fault) string {
	lines := make([]string, len(errors))
	for i, e := range errors {
		at := slices.SortedFunc(slices.Values(e.Locations), func(a, b graph.Location) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
		lines[i] = fmt.Sprint(e.Path, at)
	}
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

var (
	lineEnd      = regexp.MustCompile(`\r\n|\n|\r`)
	usedVariable = regexp.MustCompile(`^(\$\w+)(?:[^:\w]|$)`)
)

// atVariables returns errors with the variable, as part of the path, in place of
// a location where one is used.
func atVariables(query string, errors []fault) []fault {
	lines := lineEnd.Split(query, -1)
	changed := slices.Clone(errors)
	for i, e := range errors {
		if len(e.Locations) != 1 {
			continue
		}
		at := e.Locations[0]
		if v := usedVariable.FindStringSubmatch(string([]rune(lines[at.Line-1])[at.Column-1:])); v != nil {
			changed[i] = fault{Path: append(slices.Clone(e.Path), v[1])}
		}
	}
	return changed
}

// deviation returns why a difference is meant; empty where it is not.
func deviation(c random.Case, got, want verdict) string {
	for _, d := range deviations {
		if d.applies(c, got, want) {
			return d.reason
		}
	}
	return ""
}

// deviations are the differences from graphql-js that are meant.
var deviations = []struct {
	reason  string
	applies func(c random.Case, got, want verdict) bool
}{
	{
		"type system definitions are no part of what is executed: they are refused by the parser, not by a rule",
		func(_ random.Case, got, want verdict) bool {
			return got.Stage == "syntax" && slices.Contains(want.Rules, "ExecutableDefinitionsRule")
		},
	},
	{
		"control characters in strings and comments are refused by gqlparser's lexer, as editions before 2025 had it",
		func(c random.Case, got, want verdict) bool {
			return got.Stage == "syntax" && strings.ContainsFunc(c.Query, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' })
		},
	},
	{
		"a Float that no double holds is refused: graphql-js makes Infinity of a literal, and null of that",
		func(c random.Case, got, want verdict) bool {
			return got.Stage == "validation" && strings.Contains(c.Query, "1e999") &&
				!slices.ContainsFunc(got.Messages, func(m string) bool { return m != "Float cannot represent non numeric value: 1e999" })
		},
	},
	{
		"a nullable variable may not be the key of a @oneOf object: graphql-js overlooks it where the object's type is non-null",
		func(_ random.Case, got, want verdict) bool {
			return got.Stage == "validation" && want.Stage != "syntax" &&
				!slices.ContainsFunc(got.Messages, func(m string) bool { return !strings.Contains(m, "must be non-nullable to be used for OneOf") })
		},
	},
	{
		"fields that are merged have equal arguments, of which a plan holds one copy: what is wrong with them may be located where a condition leaves the field out",
		func(c random.Case, got, want verdict) bool {
			got.Errors, want.Errors = atVariables(c.Query, got.Errors), atVariables(c.Query, want.Errors)
			return compare(got, want) == ""
		},
	},
}
