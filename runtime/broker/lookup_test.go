package broker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Values are found however large what holds them is, and however often they are looked for,
// as a walk finds them, and a container of many is not walked each time.
func TestLookup(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := []string{"a", `b\u0041`, "é", "0", "00", "7", ""}
	var random func(depth int) string
	random = func(depth int) string {
		n, few := r.IntN(200), r.IntN(3) > 0
		if few {
			n = r.IntN(6)
		}
		children := make([]string, n)
		for i := range children {
			if children[i] = strings.Repeat("1", 1+i); depth > 0 && (few || r.IntN(50) == 0) {
				children[i] = random(depth - 1)
			}
		}
		if r.IntN(2) == 0 {
			return "[" + strings.Join(children, ",") + "]"
		}
		for i := range children {
			key := fmt.Sprint(i)
			if i < len(keys) {
				key = keys[i]
			}
			if i == 7 {
				key = "k7"
			}
			children[i] = `"` + key + `":` + children[i]
		}
		return "{" + strings.Join(children, ",") + "}"
	}
	steps := []string{"a", "bA", "é", "0", "00", "7", "", "k7", "150", "199", "200", "2147483648", "-1"}
	found, walked := 0, 0
	for range 300 {
		var d jsondoc.Document
		if err := d.Parse([]byte(random(3)), jsondoc.Options{}); err != nil {
			continue
		}
		l := lookup{payload: &d}
		for range 300 {
			path := make([]string, r.IntN(4))
			for i := range path {
				path[i] = steps[r.IntN(len(steps))]
			}
			wantNode, want := find(&d, path)
			node, ok := l.find(path)
			if ok != want || node != wantNode {
				t.Fatalf("%q in %s: node %d, %v, want %d, %v", path, d.Text, node, ok, wantNode, want)
			}
			if ok {
				found++
			}
		}
		for at, c := range l.many {
			if d.Nodes[at].Next-at <= manyNodes {
				t.Fatalf("a container of %d nodes is kept", d.Nodes[at].Next-at)
			}
			if c.items == nil && c.members == nil {
				walked++
			}
		}
	}
	if found < 5000 || walked > 100 {
		t.Errorf("%d were found, %d containers were looked into once", found, walked)
	}
}

// Long values are compared in whole, and looked up by a short key.
func TestLongValuesMatch(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	f := &graph.RootField{Matches: []graph.Match{{Path: []string{"v"}, Arg: "v"}}}
	for subscriber, match := range map[string]bool{`"` + long + `"`: true, `"` + long[1:] + `"`: false, `"` + long[1:] + `y"`: false} {
		var d jsondoc.Document
		if err := d.Parse([]byte(`{"v":"`+long+`"}`), jsondoc.Options{}); err != nil {
			t.Fatal(err)
		}
		l := lookup{payload: &d}
		l.begin(f)
		key, ok := l.keyOf(1)
		own := subscriberElements([]byte(subscriber), false, false)
		if !ok || len(own) != 1 || own[0] == string(key) != match || len(key) > 2*maxPlainElement {
			t.Errorf("%.20s…: %d bytes, %v, want %v", subscriber, len(key), own[0] == string(key), match)
		}
	}
}
