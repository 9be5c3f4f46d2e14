package broker

import (
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
	identity  *tenant.Identity
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
	}
	return nil, false
}

// Argument implements sandbox.Inputs.
func (in *inputs) Argument(name string) ([]byte, bool) { return in.arguments.Get(name) }

// Claim implements sandbox.Inputs.
func (in *inputs) Claim(name string) ([]byte, bool) { return in.identity.Claim(name) }

// Permitted implements sandbox.Inputs.
func (in *inputs) Permitted(permission string) bool { return in.identity.Permitted(permission) }

// question names an input that can differ between the subscribers of an event.
type question struct {
	kind sandbox.Question
	name string
}

// answer returns a subscriber's own value, in a form that is equal exactly
// where the guest cannot tell two answers apart.
func (q question) answer(in *inputs, dst []byte) []byte {
	var value []byte
	var present bool
	switch q.kind {
	case sandbox.AskInput:
		value, present = in.arguments.JSON(), true
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

// subscriberRead returns the question of a read that can differ between
// subscribers; ok is false for what all runs of an event share: the event
// itself, its meta and the module's config.
func subscriberRead(r *sandbox.Read) (q question, ok bool) {
	if r.Question == sandbox.AskInput {
		return question{kind: sandbox.AskInput}, r.Kind == abi.InputArguments
	}
	return question{kind: r.Question, name: r.Name}, true
}

// What a tree keeps: it is held until an event is handed out to all, and guests
// decide how much they ask and put out for each subscriber.
const (
	maxTreeBytes = 32 << 20
	nodeBytes    = 256 // of a node with an edge to it, beside the answer
)

// tree holds the results of one resolver for one event, found by what its runs
// read. A guest is deterministic: what it asks next follows from the answers so
// far, so each node has one question. A tree that has grown too large forgets
// all: the same runs give the same results again.
type tree struct {
	root    node
	bytes   int // about what the nodes, their results and projections take
	scratch []byte
}

// node is a state of a run: it either asks on or has ended.
type node struct {
	asks     bool
	question question
	edges    map[string]*node // by answer
	leaf     *outcome
}

// find follows a subscriber's own answers to a result; nil where no run has
// come that way yet.
func (t *tree) find(in *inputs) *outcome {
	n := &t.root
	for n != nil && n.asks {
		t.scratch = n.question.answer(in, t.scratch[:0])
		n = n.edges[string(t.scratch)]
	}
	if n == nil {
		return nil
	}
	return n.leaf
}

// insert adds the result of a run for the subscriber whose inputs are given. It
// reports false, and adds nothing, where the run asked something else than an
// earlier one with the same answers: then the guest is not deterministic, and
// its result is for this subscriber alone.
func (t *tree) insert(reads []sandbox.Read, in *inputs, leaf *outcome) bool {
	n := &t.root
	for i := range reads {
		q, ok := subscriberRead(&reads[i])
		if !ok {
			continue
		}
		if n.leaf != nil || n.asks && n.question != q {
			return false
		}
		n.asks, n.question = true, q
		t.scratch = q.answer(in, t.scratch[:0])
		next := n.edges[string(t.scratch)]
		if next == nil {
			next = &node{}
			if n.edges == nil {
				n.edges = map[string]*node{}
			}
			n.edges[string(t.scratch)] = next
			t.bytes += nodeBytes + len(t.scratch)
		}
		n = next
	}
	if n.asks || n.leaf != nil {
		return false
	}
	n.leaf = leaf
	t.bytes += len(leaf.result.Output)
	return true
}

// grow counts n more bytes of projections, before the next subscriber is
// looked up.
func (t *tree) grow(n int) {
	if t.bytes += n; t.bytes > maxTreeBytes {
		t.root, t.bytes = node{}, 0
	}
}
