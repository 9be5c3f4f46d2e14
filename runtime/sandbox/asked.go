package sandbox

import "github.com/runnel-dev/runnel/abi"

// fewQuestions are looked through one by one; of more there is an index, so
// that a question costs the same however many a run asked before
// (BenchmarkQuestions).
const fewQuestions = 16

// asked finds the reads of the run under way by their question. The zero value
// is ready to use.
type asked struct {
	index map[asking]int // in Result.Reads; filled beyond fewQuestions
}

type asking struct {
	question Question
	kind     abi.Kind
	name     string
}

// reset forgets all. An index that has grown large is not kept for the next run.
func (a *asked) reset() {
	if len(a.index) > 1024 {
		a.index = nil
	}
	clear(a.index)
}

// known returns the earlier read of the same question, or nil.
func (i *instance) known(question Question, kind abi.Kind, name []byte) *Read {
	reads := i.result.Reads
	if len(reads) > fewQuestions {
		if n, ok := i.asked.index[asking{question, kind, string(name)}]; ok {
			return &reads[n]
		}
		return nil
	}
	for n := range reads {
		if reads[n].same(question, kind, name) {
			return &reads[n]
		}
	}
	return nil
}

// record adds a read that is not known yet.
func (i *instance) record(r Read) {
	i.result.Reads = append(i.result.Reads, r)
	if len(i.result.Reads) <= fewQuestions {
		return
	}
	if i.asked.index == nil {
		i.asked.index = map[asking]int{}
	}
	for n := len(i.asked.index); n < len(i.result.Reads); n++ {
		r := &i.result.Reads[n]
		i.asked.index[asking{r.Question, r.Kind, r.Name}] = n
	}
}
