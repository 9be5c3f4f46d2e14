package tenant

import (
	"strconv"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Merge returns the limits with those changed that the JSON object names;
// null stands for the default. An unknown name, a value that is no whole
// number and one out of range are refused, all in one *LimitsError.
func (l Limits) Merge(object []byte) (Limits, error) {
	var doc jsondoc.Document
	if err := doc.Parse(object, jsondoc.Options{}); err != nil {
		return Limits{}, &LimitsError{[]LimitProblem{{Message: "limits: " + err.Error()}}}
	}
	if k := doc.Nodes[0].Kind; k != jsondoc.Object {
		return Limits{}, &LimitsError{[]LimitProblem{{Message: "limits: a JSON object is wanted, not " + k.String()}}}
	}
	var problems []LimitProblem
	for n := uint32(1); n < doc.Nodes[0].Next; n = doc.Nodes[n+1].Next {
		name := string(doc.AppendString(nil, n))
		if message := l.mergeOne(name, &doc, n+1); message != "" {
			problems = append(problems, LimitProblem{name, message})
		}
	}
	if problems != nil {
		return Limits{}, &LimitsError{problems}
	}
	return l, nil
}

// mergeOne returns what is wrong with the value, or "".
func (l *Limits) mergeOne(name string, doc *jsondoc.Document, value uint32) string {
	d := lookup(name)
	if d == nil {
		return unknownLimit(name)
	}
	switch doc.Nodes[value].Kind {
	case jsondoc.Null:
		d.Set(l, d.Default)
		return ""
	case jsondoc.Number:
		v, err := strconv.ParseInt(string(doc.Raw(value)), 10, 64)
		if err != nil || v < d.Min || v > d.Max {
			return d.outOfRange()
		}
		d.Set(l, v)
		return ""
	}
	return d.outOfRange()
}

// Validate gives a *LimitsError that names every limit out of its range.
func (l Limits) Validate() error {
	var problems []LimitProblem
	for i := range definitions {
		d := &definitions[i]
		if v := d.Value(&l); v < d.Min || v > d.Max {
			problems = append(problems, LimitProblem{d.Name, d.outOfRange()})
		}
	}
	if problems != nil {
		return &LimitsError{problems}
	}
	return nil
}

// MarshalJSON writes all limits in the order of Definitions.
func (l Limits) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i := range definitions {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendQuoted(b, definitions[i].Name)
		b = append(b, ':')
		b = strconv.AppendInt(b, definitions[i].Value(&l), 10)
	}
	return append(b, '}'), nil
}
