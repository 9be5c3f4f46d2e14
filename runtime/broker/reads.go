package broker

import (
	"crypto/sha256"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// inputs is what a run for one subscriber sees. Payload and meta are those of
// the event or the request.
type inputs struct {
	id        string
	payload   []byte // nil where there is no event
	meta      []byte
	arguments graph.Arguments
	batch     *graph.Batch // nil where the field is one of a root type
	parents   []byte       // of the batch, once they were asked for
	identity  *tenant.Identity

	turn  *turn // that the run is made in
	spent int64 // of the run's fuel, in earlier slices
}

// Spend implements sandbox.Pace.
func (in *inputs) Spend(fuel int64) bool {
	in.spent += fuel
	return in.turn.Spend(fuel)
}

// GiveWay implements sandbox.Pace.
func (in *inputs) GiveWay() bool { return in.turn.GiveWay() }

// Charge implements sandbox.Pace.
func (in *inputs) Charge(units int64) { in.turn.Spend(units) }

// Leave implements sandbox.Pace.
func (in *inputs) Leave(wait func()) bool {
	in.turn.release()
	wait()
	return in.turn.take()
}

// ID implements sandbox.Inputs.
func (in *inputs) ID() string { return in.id }

// Input implements sandbox.Inputs. The module's config is the pool's to answer.
func (in *inputs) Input(kind abi.Kind) ([]byte, bool) {
	switch kind {
	case abi.InputEvent:
		return in.payload, in.payload != nil
	case abi.InputArguments:
		return in.arguments.JSON(), true
	case abi.InputMeta:
		return in.meta, true
	case abi.InputParents:
		if in.batch != nil && len(in.parents) == 0 {
			in.parents = in.batch.AppendParents(in.parents)
		}
		return in.parents, in.batch != nil
	}
	return nil, false
}

// Argument implements sandbox.Inputs.
func (in *inputs) Argument(name string) ([]byte, bool) { return in.arguments.Get(name) }

// Claim implements sandbox.Inputs.
func (in *inputs) Claim(name string) ([]byte, bool) { return in.identity.Claim(name) }

// Permitted implements sandbox.Inputs.
func (in *inputs) Permitted(permission string) bool { return in.identity.Permitted(permission) }

// question names an input that can differ between the runs of one resolver for
// one event.
type question struct {
	kind  sandbox.Question
	input abi.Kind // for AskInput
	name  string   // for the others
}

// maxPlainParents is the length up to which parents are compared by themselves;
// longer ones by their SHA-256, so that a tree does not hold them.
const maxPlainParents = 64

// answer returns the inputs' own value, in a form that is equal exactly where the
// guest cannot tell two answers apart.
func (q question) answer(in *inputs, dst []byte) []byte {
	var value []byte
	var present bool
	switch q.kind {
	case sandbox.AskInput:
		value, present = in.Input(q.input)
		if q.input == abi.InputParents && len(value) > maxPlainParents {
			sum := sha256.Sum256(value)
			return append(append(dst, '#'), sum[:]...)
		}
	case sandbox.AskArgument:
		value, present = in.Argument(q.name)
	case sandbox.AskClaim:
		value, present = in.Claim(q.name)
	case sandbox.AskPermitted:
		present = in.Permitted(q.name)
	}
	if !present {
		return append(dst, '-')
	}
	return append(append(dst, '+'), value...)
}

// ofSubscriber tells whether the answer belongs to who asked for the operation,
// not to the operation itself.
func (q question) ofSubscriber() bool {
	return q.kind == sandbox.AskClaim || q.kind == sandbox.AskPermitted
}

// questions returns what a run asked, but for what all runs for an event share:
// the event itself, its meta and the module's config.
func questions(reads []sandbox.Read) []question {
	var asked []question
	for i := range reads {
		r := &reads[i]
		switch {
		case r.Question != sandbox.AskInput:
			asked = append(asked, question{kind: r.Question, name: r.Name})
		case r.Kind == abi.InputArguments || r.Kind == abi.InputParents:
			asked = append(asked, question{kind: sandbox.AskInput, input: r.Kind})
		}
	}
	return asked
}

// tree holds leaves of one kind, found by what was read on the way to them. A
// guest is deterministic: what it asks next follows from the answers so far, so
// each node has one question.
type tree[T any] struct {
	root    node[T]
	scratch []byte
	bytes   int64 // of the answers that find has looked at since they were charged
}

// node is a state on the way: it either asks on or has ended.
type node[T any] struct {
	asks, ended bool
	question    question
	edges       map[string]*node[T] // by answer
	leaf        T
}

// nodeBytes is about what a node takes with an edge to it, beside the answer.
const nodeBytes = 256

// find follows the answers that the inputs give; false where nothing has come
// that way yet.
func (t *tree[T]) find(in *inputs) (leaf T, found bool) {
	n := &t.root
	for n.asks {
		t.scratch = n.question.answer(in, t.scratch[:0])
		t.bytes += int64(len(t.scratch))
		next := n.edges[string(t.scratch)]
		if next == nil {
			return leaf, false
		}
		n = next
	}
	return n.leaf, n.ended
}

// units is what the calls of find have cost since it was asked last.
func (t *tree[T]) units() int64 {
	n := t.bytes
	t.bytes = 0
	return n / answerBytesPerUnit
}

// insert adds a leaf for the inputs that were asked, and returns about how many
// bytes the way to it takes. It reports false, and adds no leaf, where something
// else was asked than before with the same answers: then the guest is not
// deterministic, and its result is for these inputs alone.
func (t *tree[T]) insert(asked []question, in *inputs, leaf T) (bytes int, ok bool) {
	n := &t.root
	for _, q := range asked {
		if n.ended || n.asks && n.question != q {
			return bytes, false
		}
		n.asks, n.question = true, q
		t.scratch = q.answer(in, t.scratch[:0])
		next := n.edges[string(t.scratch)]
		if next == nil {
			next = &node[T]{}
			if n.edges == nil {
				n.edges = map[string]*node[T]{}
			}
			n.edges[string(t.scratch)] = next
			bytes += nodeBytes + len(t.scratch)
		}
		n = next
	}
	if n.asks || n.ended {
		return bytes, false
	}
	n.leaf, n.ended = leaf, true
	return bytes, true
}
