package transport

import (
	"fmt"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

type messageType uint8

const (
	messageInit messageType = iota + 1
	messagePing
	messagePong
	messageSubscribe
	messageComplete
)

var messageTypes = map[string]messageType{
	"connection_init": messageInit,
	"ping":            messagePing,
	"pong":            messagePong,
	"subscribe":       messageSubscribe,
	"complete":        messageComplete,
}

// maxIDBytes bounds the ids of operations: each is kept while its operation
// lives and is sent with every frame.
const maxIDBytes = 256

// message is a well-formed message of a client.
type message struct {
	kind    messageType
	id      string        // of subscribe and complete
	payload []byte        // of init, ping and pong: an object, or nil; borrowed from the text
	request graph.Request // of subscribe; owned
}

// violation is a message that ends the connection.
type violation struct {
	code   int
	reason string
}

func badMessage(format string, args ...any) *violation {
	return &violation{closeBadRequest, fmt.Sprintf(format, args...)}
}

// decode reads one text message. It knows the forms of messages, not when each
// is due. Its result borrows the text, and doc until the next decode.
func decode(doc *jsondoc.Document, text []byte) (message, *violation) {
	if !utf8.Valid(text) {
		return message{}, &violation{websocket.CloseInvalidFramePayloadData, "Text message is not valid UTF-8"}
	}
	if err := doc.Parse(text, jsondoc.Options{}); err != nil {
		return message{}, badMessage("Message is not valid JSON: %v", err)
	}
	if kind := doc.Nodes[0].Kind; kind != jsondoc.Object {
		return message{}, badMessage("Message must be an object, but it is %s", kindOf(doc, 0, true))
	}
	n, ok := doc.Member(0, "type")
	if !ok || doc.Nodes[n].Kind != jsondoc.String {
		return message{}, badMessage("Message's %s", expected("type", "a string", kindOf(doc, n, ok)))
	}
	name := doc.AppendString(nil, n)
	m := message{kind: messageTypes[string(name)]}
	var problem string
	switch m.kind {
	case messageInit, messagePing, messagePong:
		m.payload, problem = readPayload(doc)
	case messageSubscribe:
		m.id, problem = readID(doc)
		if problem == "" {
			m.request, problem = readSubscribe(doc)
		}
	case messageComplete:
		m.id, problem = readID(doc)
	default:
		return message{}, badMessage("Message has an unexpected type %.40q", name)
	}
	if problem != "" {
		return message{}, badMessage("Message %s: %s", name, problem)
	}
	return m, nil
}

func readID(doc *jsondoc.Document) (id, problem string) {
	n, ok := doc.Member(0, "id")
	if !ok || doc.Nodes[n].Kind != jsondoc.String {
		return "", expected("id", "a string", kindOf(doc, n, ok))
	}
	id = string(doc.AppendString(nil, n))
	switch {
	case id == "":
		return "", "'id' must not be empty"
	case len(id) > maxIDBytes:
		return "", fmt.Sprintf("'id' must not be longer than %d bytes", maxIDBytes)
	}
	return id, ""
}

func readPayload(doc *jsondoc.Document) (payload []byte, problem string) {
	n, ok := doc.Member(0, "payload")
	if !ok || doc.Nodes[n].Kind == jsondoc.Null {
		return nil, ""
	}
	if doc.Nodes[n].Kind != jsondoc.Object {
		return nil, expected("payload", "an object or null", kindOf(doc, n, true))
	}
	return doc.Raw(n), ""
}

func readSubscribe(doc *jsondoc.Document) (graph.Request, string) {
	n, ok := doc.Member(0, "payload")
	if !ok || doc.Nodes[n].Kind != jsondoc.Object {
		return graph.Request{}, expected("payload", "an object", kindOf(doc, n, ok))
	}
	return readRequest(doc, n)
}
