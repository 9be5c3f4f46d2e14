package transport

import (
	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Resume says where a subscription begins.
type Resume struct {
	// Cursors tells that the sink wants cursors.
	Cursors bool
	// Cursor is what the subscription goes on behind, as the client shows it; empty
	// for one that begins with what happens from now on.
	Cursor string
}

// readResume reads extensions.runnel.cursor of a request: absent where no cursors
// are wanted, null where there is none yet. extensions is an object, or nil.
func readResume(extensions []byte) (Resume, graph.Errors) {
	if extensions == nil {
		return Resume{}, nil
	}
	var doc jsondoc.Document
	if err := doc.Parse(extensions, jsondoc.Options{}); err != nil {
		return Resume{}, badResume("'extensions' " + err.Error())
	}
	own, ok := doc.Member(0, "runnel")
	if !ok || doc.Nodes[own].Kind == jsondoc.Null {
		return Resume{}, nil
	}
	if doc.Nodes[own].Kind != jsondoc.Object {
		return Resume{}, badResume(expected("extensions.runnel", "an object or null", kindOf(&doc, own, true)))
	}
	n, ok := doc.Member(own, "cursor")
	switch {
	case !ok:
		return Resume{}, nil
	case doc.Nodes[n].Kind == jsondoc.Null:
		return Resume{Cursors: true}, nil
	case doc.Nodes[n].Kind != jsondoc.String:
		return Resume{}, badResume(expected("extensions.runnel.cursor", "a string or null", kindOf(&doc, n, true)))
	}
	cursor := string(doc.AppendString(nil, n))
	if cursor == "" {
		return Resume{}, badResume("'extensions.runnel.cursor' must not be empty; leave out what is not known yet, or give null")
	}
	return Resume{Cursors: true, Cursor: cursor}, nil
}

func badResume(message string) graph.Errors {
	return graph.Errors{{Message: message, Code: abi.CodeBadUserInput}}
}
