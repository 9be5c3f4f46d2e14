package broker

import (
	"fmt"
	"sync"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxKeys bounds the buckets that one subscription stands in on one channel:
// claims that are arrays multiply them.
const maxKeys = 4096

// keys are a subscription's own values for the conditions that apply to it. No
// values mean that nothing can match.
type keys struct {
	shape  uint64
	values []string
}

// subscriberKeys evaluates the conditions of a field for a subscriber. A
// condition on an argument that is omitted or null does not apply; one on a
// claim always does.
func subscriberKeys(f *graph.RootField, arguments graph.Arguments, claim func(string) ([]byte, bool)) (keys, error) {
	k := keys{values: []string{""}}
	for i := range f.Matches {
		m := &f.Matches[i]
		var text []byte
		var given bool
		switch {
		case m.Arg != "":
			if text, given = arguments.Get(m.Arg); !given || string(text) == "null" {
				continue
			}
		case m.Claim != "":
			text, _ = claim(m.Claim)
		default:
			continue
		}
		k.shape |= 1 << i
		elements := subscriberElements(text, m.Claim != "", m.ArgIsID)
		if len(k.values)*len(elements) > maxKeys {
			return keys{}, fmt.Errorf("the claims of this subscriber combine to more than %d values to match", maxKeys)
		}
		k.values = product(k.values, elements)
	}
	return k, nil
}

// listsClaims tells whether a claim that the field's conditions look at is an array, so
// that a subscriber may stand in many buckets.
func listsClaims(f *graph.RootField, claim func(string) ([]byte, bool)) bool {
	for i := range f.Matches {
		if name := f.Matches[i].Claim; name != "" {
			if text, _ := claim(name); len(text) > 0 && text[0] == '[' {
				return true
			}
		}
	}
	return false
}

func product(prefixes, elements []string) []string {
	if len(prefixes) == 1 && prefixes[0] == "" {
		return elements
	}
	values := make([]string, 0, len(prefixes)*len(elements))
	for _, p := range prefixes {
		for _, e := range elements {
			values = append(values, p+e)
		}
	}
	return values
}

// documents are for parsing payloads, arguments and claims, unless they grew beyond
// keepNodes.
var documents = sync.Pool{New: func() any { return new(jsondoc.Document) }}

const keepNodes = 1 << 10

func giveBackDocument(d *jsondoc.Document) {
	if d.Text = nil; cap(d.Nodes) <= keepNodes {
		documents.Put(d)
	}
}

// subscriberElements returns the distinct elements that an argument or claim
// matches: its own value, each item of a claim that is an array, and for an ID
// also the number of the same digits.
func subscriberElements(text []byte, isClaim, isID bool) []string {
	if text == nil {
		return nil
	}
	d := documents.Get().(*jsondoc.Document)
	defer giveBackDocument(d)
	if d.Parse(text, jsondoc.Options{}) != nil {
		return nil
	}
	var few [64]byte
	if isClaim && d.Nodes[0].Kind == jsondoc.Array {
		return itemElements(d)
	}
	e, ok := appendElement(few[:0], d, 0)
	if !ok {
		return nil
	}
	elements := []string{string(e)}
	if !isID || d.Nodes[0].Kind != jsondoc.String {
		return elements
	}
	if id := d.AppendString(few[:0], 0); isInteger(id) {
		number := appendNumber([]byte{'n'}, id)
		elements = append(elements, string(closeElement(number, 0)))
	}
	return elements
}

// itemElements returns the distinct elements of an array.
func itemElements(d *jsondoc.Document) (elements []string) {
	seen := map[string]bool{}
	for n := uint32(1); n < d.Nodes[0].Next; n = d.Nodes[n].Next {
		if e, ok := appendElement(nil, d, n); ok && !seen[string(e)] {
			seen[string(e)] = true
			elements = append(elements, string(e))
		}
	}
	return elements
}
