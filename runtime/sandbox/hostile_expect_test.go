package sandbox_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// hostile is a module of the corpus with what must come of it, as
// testdata/hostile/README.md says it is written.
type hostile struct {
	name     string
	binary   []byte
	refusals []refusal
	runs     []expectation
}

// refusal is one problem that the upload is refused for.
type refusal struct {
	text     string // in the message
	function string
	offset   int // -1 where there is none
}

// expectation is how a run of a resolver ends.
type expectation struct {
	resolver          string
	outcome           string // a verdict, "no JSON" or a code
	limit             string
	texts             []string
	published, logged int // -1 where it is not said
}

// hostileCorpus reads all modules below testdata/hostile.
func hostileCorpus(t *testing.T) (corpus []*hostile) {
	t.Helper()
	root := filepath.Join("testdata", "hostile")
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wat" {
			return err
		}
		module := strings.TrimSuffix(path, ".wat")
		name, err := filepath.Rel(root, module)
		if err != nil {
			return err
		}
		text, textErr := os.ReadFile(path)
		binary, binaryErr := os.ReadFile(module + ".wasm")
		if err := errors.Join(textErr, binaryErr); err != nil {
			return err
		}
		corpus = append(corpus, expecting(t, filepath.ToSlash(name), string(text), binary))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return corpus
}

// expecting reads the expectations out of the comment that a text begins with.
func expecting(t *testing.T, name, text string, binary []byte) *hostile {
	t.Helper()
	h := &hostile{name: name, binary: binary}
	admitted := false
	for line := range strings.Lines(text) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), ";;")
		if !ok {
			break
		}
		line = strings.TrimSpace(line)
		subject, said, _ := strings.Cut(line, ": ")
		words, err := split(said)
		switch resolver, isRun := strings.CutPrefix(subject, "run "); {
		case isRun && err == nil:
			err = h.expectRun(resolver, words)
		case subject == "upload" && said == "admitted":
			admitted = true
		case subject == "upload" && err == nil:
			err = h.expectRefusal(words)
		default:
			err = nil // a line of what the module is about
		}
		if err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
	}
	if admitted != (len(h.refusals) == 0) || admitted != (len(h.runs) > 0) {
		t.Fatalf("%s: it must say either how it is refused, or that it is admitted and how it runs", name)
	}
	return h
}

// split cuts a line into words and quoted texts; those keep their first quote.
func split(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, err
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, line = append(words, `"`+text), line[len(quoted):]
	}
	return words, nil
}

// expectRefusal reads: refused "message" in "function" at offset.
func (h *hostile) expectRefusal(words []string) error {
	r := refusal{offset: -1}
	for i := 0; i < len(words); i++ {
		text, isText := strings.CutPrefix(words[i], `"`)
		switch {
		case words[i] == "refused" && i == 0:
		case isText && i > 0 && words[i-1] == "in":
			r.function = text
		case isText:
			r.text = text
		case words[i] == "in":
		case words[i] == "at" && i+1 < len(words):
			var err error
			if r.offset, err = strconv.Atoi(words[i+1]); err != nil {
				return err
			}
			i++
		default:
			return fmt.Errorf("what does %q mean?", words[i])
		}
	}
	h.refusals = append(h.refusals, r)
	return nil
}

// expectRun reads: outcome limit "text"… published n logged n.
func (h *hostile) expectRun(resolver string, words []string) error {
	e := expectation{resolver: resolver, published: -1, logged: -1}
	for i := 0; i < len(words); i++ {
		text, isText := strings.CutPrefix(words[i], `"`)
		switch {
		case isText:
			e.texts = append(e.texts, text)
		case i == 0 && words[i] == "no":
			e.outcome = "no JSON"
			i++
		case i == 0:
			e.outcome = words[i]
		case (words[i] == "published" || words[i] == "logged") && i+1 < len(words):
			n, err := strconv.Atoi(words[i+1])
			if err != nil {
				return err
			}
			if words[i] == "published" {
				e.published = n
			} else {
				e.logged = n
			}
			i++
		case i == 1:
			e.limit = words[i]
		default:
			return fmt.Errorf("what does %q mean?", words[i])
		}
	}
	h.runs = append(h.runs, e)
	return nil
}

// checkRefusal holds the problems of a refused upload against the expected ones.
func (h *hostile) checkRefusal(err error) error {
	var refused *sandbox.AdmissionError
	if !errors.As(err, &refused) {
		return fmt.Errorf("the upload gives %v, want a refusal", err)
	}
	var wrong []error
	for n, p := range refused.Problems {
		if !p.HasOffset {
			p.Offset = -1
		}
		got := fmt.Sprintf("refused %q in %q at %d", p.Message, p.Function, p.Offset)
		if n >= len(h.refusals) {
			wrong = append(wrong, fmt.Errorf("%s: one problem more than expected", got))
			continue
		}
		want := h.refusals[n]
		if !strings.Contains(p.Message, want.text) || p.Function != want.function || p.Offset != want.offset {
			wrong = append(wrong, fmt.Errorf("%s, want %q in %q at %d", got, want.text, want.function, want.offset))
		}
	}
	if len(refused.Problems) < len(h.refusals) {
		wrong = append(wrong, fmt.Errorf("%d problems, want %d", len(refused.Problems), len(h.refusals)))
	}
	return errors.Join(wrong...)
}

var verdicts = map[string]abi.Verdict{
	"skip": abi.Skip, "deliver": abi.Deliver, "no JSON": abi.Deliver, "failed": abi.Failed, "complete": abi.Complete,
}

// check holds a result, and the lines that the run logged, against what is
// expected.
func (e *expectation) check(r *sandbox.Result, lines []sandbox.Line) error {
	verdict, ends := verdicts[e.outcome]
	switch {
	case ends && (r.Fault != nil || r.Verdict != verdict):
		return fmt.Errorf("verdict %d, fault %v, want %s", r.Verdict, r.Fault, e.outcome)
	case ends:
		if err := e.checkText(r); err != nil {
			return err
		}
	case r.Fault == nil:
		return fmt.Errorf("verdict %d, want %s", r.Verdict, e.outcome)
	case string(r.Fault.Code) != e.outcome || r.Fault.Limit != e.limit:
		return fmt.Errorf("%s %s %q, want %s %s", r.Fault.Code, r.Fault.Limit, r.Fault.Message, e.outcome, e.limit)
	default:
		for _, text := range e.texts {
			if !strings.Contains(r.Fault.Message, text) {
				return fmt.Errorf("message %q, want %q", r.Fault.Message, text)
			}
		}
	}
	if e.published >= 0 && len(r.Published) != e.published {
		return fmt.Errorf("%d events published, want %d", len(r.Published), e.published)
	}
	if e.logged >= 0 && len(lines) != e.logged {
		return fmt.Errorf("%d lines logged, want %d", len(lines), e.logged)
	}
	return nil
}

// checkText compares the output, or what fail was given. A text that ends with
// an ellipsis is the beginning of what is expected.
func (e *expectation) checkText(r *sandbox.Result) error {
	got, isJSON := string(r.Output), false
	if e.outcome == "failed" {
		got = r.Failure.Message
	} else {
		var d jsondoc.Document
		isJSON = d.Parse(r.Output, jsondoc.Options{AllowDuplicateKeys: true}) == nil
	}
	want := strings.Join(e.texts, "")
	start, cut := strings.CutSuffix(want, "…")
	if got != want && !(cut && strings.HasPrefix(got, start)) {
		return fmt.Errorf("%s %.200q, want %.200q", e.outcome, got, want)
	}
	if isJSON != (e.outcome == "deliver" || e.outcome == "complete" && want != "") {
		return fmt.Errorf("whether the output is JSON: %t", isJSON)
	}
	return nil
}

// withinLimits holds what is true of every run, whatever the guest does.
func withinLimits(r *sandbox.Result, lines []sandbox.Line, l sandbox.Limits) error {
	var problems []error
	check := func(good bool, format string, arguments ...any) {
		if !good {
			problems = append(problems, fmt.Errorf(format, arguments...))
		}
	}
	check(0 <= r.Fuel && r.Fuel <= l.FuelPerRun, "%d units of fuel", r.Fuel)
	check(int64(len(r.Output)) <= l.OutputBytes, "an output of %d bytes", len(r.Output))
	check(len(r.Failure.Message) <= 3*int(l.OutputBytes), "an error of %d bytes", len(r.Failure.Message))
	check(int64(len(r.Published)) <= l.PublishesPerRun, "%d events", len(r.Published))
	logged := 0
	if r.Fault != nil {
		const longest = 9 << 10 // of what was logged last and the trap, each cut
		check(len(r.Fault.Message) <= longest && utf8.ValidString(r.Fault.Message), "a message of %d bytes: %.200q", len(r.Fault.Message), r.Fault.Message)
		check(!r.HasOutput && len(r.Output) == 0 && len(r.Published) == 0, "a fault with an output of %d bytes and %d events", len(r.Output), len(r.Published))
	}
	for _, line := range lines {
		check(utf8.ValidString(line.Message), "a line that is not UTF-8: %q", line.Message)
		logged += len(strings.ReplaceAll(line.Message, "\uFFFD", "?"))
	}
	check(int64(logged) <= l.LogBytesPerRun, "%d bytes logged", logged)
	return errors.Join(problems...)
}
