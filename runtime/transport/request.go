package transport

import (
	"bytes"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// readRequest reads the parameters of an operation from the object node. Keys
// are matched exactly, and those it does not know are ignored, as both
// protocols want. The request holds copies. problem is empty where all is
// well.
func readRequest(doc *jsondoc.Document, object uint32) (r graph.Request, problem string) {
	query, ok := doc.Member(object, "query")
	if !ok || doc.Nodes[query].Kind != jsondoc.String {
		return r, expected("query", "a string", kindOf(doc, query, ok))
	}
	r.Query = string(doc.AppendString(nil, query))
	if name, ok := doc.Member(object, "operationName"); ok {
		switch doc.Nodes[name].Kind {
		case jsondoc.Null:
		case jsondoc.String:
			r.OperationName = string(doc.AppendString(nil, name))
		default:
			return r, expected("operationName", "a string or null", kindOf(doc, name, true))
		}
	}
	if r.Variables, problem = readMap(doc, object, "variables"); problem != "" {
		return r, problem
	}
	r.Extensions, problem = readMap(doc, object, "extensions")
	return r, problem
}

// readMap copies the text of an object; it is nil for null and for none.
func readMap(doc *jsondoc.Document, object uint32, key string) (text []byte, problem string) {
	n, ok := doc.Member(object, key)
	if !ok || doc.Nodes[n].Kind == jsondoc.Null {
		return nil, ""
	}
	if doc.Nodes[n].Kind != jsondoc.Object {
		return nil, expected(key, "an object or null", kindOf(doc, n, true))
	}
	return bytes.Clone(doc.Raw(n)), ""
}

func expected(key, what, got string) string {
	return fmt.Sprintf("'%s' must be %s, but it is %s", key, what, got)
}

// kindOf names the kind of a value in messages.
func kindOf(doc *jsondoc.Document, n uint32, present bool) string {
	if !present {
		return "missing"
	}
	switch kind := doc.Nodes[n].Kind; kind {
	case jsondoc.Null:
		return "null"
	case jsondoc.Array, jsondoc.Object:
		return "an " + kind.String()
	default:
		return "a " + kind.String()
	}
}
