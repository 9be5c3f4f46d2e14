package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// cloudEventRequest is a CloudEvent 1.0 in JSON. It may have further attributes,
// the extensions. Of all these the channel, the id and the payload are kept.
type cloudEventRequest struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Data        any    `json:"data,omitempty"`
	DataBase64  string `json:"data_base64,omitempty"`
	ContentType string `json:"datacontenttype,omitempty"`
	Schema      string `json:"dataschema,omitempty"`
	Subject     string `json:"subject,omitempty"`
	Time        string `json:"time,omitempty"`
}

// The members of a CloudEvent, in the order of cloudEventRequest.
const (
	cloudSpecVersion = iota
	cloudID
	cloudSource
	cloudType
	cloudData
	cloudDataBase64
	cloudContentType
	cloudSchema
	cloudSubject
	cloudTime
)

// maxCloudEvent bounds the text of a CloudEvent whose payload may have limit
// bytes, be they in base64.
func maxCloudEvent(limit int64) int64 { return (limit+2)/3*4 + maxEnvelope }

// cloudObject reads CloudEvents from a body.
func cloudObject(body []byte) *object {
	o := &object{body: body, known: membersOf(cloudEventRequest{})}
	o.other = o.extension
	return o
}

// extension lets an attribute pass that Runnel does not know. One with a name that
// no attribute may have is a slip.
func (o *object) extension(key uint32) error {
	name := string(o.doc.AppendString(nil, key))
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || name == "" {
		return o.mistakeAt(key, fmt.Sprintf("an attribute of a CloudEvent cannot be named %q: its name has characters a-z 0-9 alone", cut(name)))
	}
	if k := o.doc.Nodes[key+1].Kind; k == jsondoc.Object || k == jsondoc.Array {
		return o.mistakeAt(key+1, fmt.Sprintf("%s must be a string, a number, true or false, not %s", cut(name), k))
	}
	return nil
}

// readCloudEvent reads one CloudEvent.
func (b *batch) readCloudEvent(limit int64) error {
	e, err := cloudObject(b.body).cloudEvent(0, len(b.body), limit)
	return b.add(e, err, 0)
}

// readCloudEvents reads a JSON array of CloudEvents. It looks at one of them at a
// time, so that what it needs beside the body does not grow with it.
func (b *batch) readCloudEvents(limit int64) error {
	o := cloudObject(b.body)
	at := skipSpace(b.body, 0)
	if at == len(b.body) || b.body[at] != '[' {
		return b.mistake(at, "a JSON array of CloudEvents is wanted")
	}
	for more := true; more; {
		from := skipSpace(b.body, at+1)
		at = elementEnd(b.body, from)
		if at == len(b.body) {
			return b.mistake(at, "the array does not end")
		}
		if b.body[at] == '}' {
			return b.mistake(at, "a brace that was not opened")
		}
		more = b.body[at] == ','
		if from == at && !more && b.events == nil {
			return badRequest("the batch has no event")
		}
		if err := b.room(); err != nil {
			return err
		}
		e, err := o.cloudEvent(from, at, limit)
		if err := b.add(e, err, from); err != nil {
			return err
		}
	}
	if end := skipSpace(b.body, at+1); end < len(b.body) {
		return b.mistake(end, "there is more behind the array")
	}
	return nil
}

// mistake is the answer 400 with a place in the body.
func (b *batch) mistake(at int, message string) error {
	return (&object{body: b.body}).mistake(at, message)
}

func skipSpace(text []byte, at int) int {
	return len(text) - len(bytes.TrimLeft(text[at:], " \t\r\n"))
}

// elementEnd returns where an element of an array ends that begins at a place: at
// a comma, or where a bracket closes that was not opened in it. It may be no JSON;
// where it is, that is its end.
func elementEnd(text []byte, at int) int {
	depth := 0
	for inString := false; at < len(text); at++ {
		switch c := text[at]; {
		case inString && c == '\\':
			at++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == ']' || c == '}'):
			return at
		case c == ']' || c == '}':
			depth--
		}
	}
	return len(text)
}

// cloudEvent reads the CloudEvent at body[from:end]. Attributes that are null are
// absent.
func (o *object) cloudEvent(from, end int, limit int64) (e event.Event, err error) {
	if int64(end-from) > maxCloudEvent(limit) {
		return e, o.placeOver(from, limit)
	}
	if err := o.readEnvelope(from, end); err != nil {
		return e, err
	}
	var text [cloudTime + 1]string
	for i := range o.known {
		if n := o.members[i]; i == cloudData || n == 0 {
			continue
		} else if o.doc.Nodes[n].Kind == jsondoc.Null {
			o.members[i] = 0
		} else if text[i], _, err = o.text(i); err != nil {
			return e, err
		}
	}
	slip := checkCloudEvent(text[cloudSpecVersion], text[cloudID], text[cloudSource], text[cloudType])
	if slip != nil {
		return e, o.mistakeAt(o.members[slip.attribute], o.known[slip.attribute]+" "+slip.message)
	}
	e.Channel, e.ID = text[cloudType], cloudEventID(text[cloudSource], text[cloudID])
	e.Payload, err = o.cloudPayload(text[cloudDataBase64], limit)
	return e, err
}

// cloudPayload is the data of a CloudEvent, or null where it has none.
func (o *object) cloudPayload(encoded string, limit int64) ([]byte, error) {
	data, in64 := o.members[cloudData], o.members[cloudDataBase64]
	payload, at := []byte("null"), data
	switch {
	case data != 0 && in64 != 0:
		return nil, o.mistakeAt(in64, "data_base64 cannot go with data")
	case data != 0:
		payload = o.doc.Raw(data)
	case in64 != 0:
		var err error
		at = in64
		if payload, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, o.mistakeAt(in64, "data_base64 is no base64: "+err.Error())
		}
		if err := checkPayload(payload); err != nil {
			return nil, o.mistakeAt(in64, "data_base64 must hold JSON: "+err.Error())
		}
	}
	if int64(len(payload)) > limit {
		return nil, o.placeOver(o.base+int(o.doc.Nodes[at].Start), limit)
	}
	return payload, nil
}

// checkPayload says what keeps a text from being a payload.
func checkPayload(text []byte) error {
	var d jsondoc.Document
	return d.Parse(text, jsondoc.Options{})
}

// cloudSlip is what is wrong with an attribute.
type cloudSlip struct {
	attribute int
	message   string
}

// checkCloudEvent judges the attributes that an event is made of.
func checkCloudEvent(version, id, source, channel string) *cloudSlip {
	switch {
	case version != "1.0":
		return &cloudSlip{cloudSpecVersion, fmt.Sprintf("must be \"1.0\", not %q", cut(version))}
	case id == "":
		return &cloudSlip{cloudID, "is missing or empty"}
	case strings.ContainsFunc(id, unicode.IsControl):
		return &cloudSlip{cloudID, "must have no control characters"}
	case source == "":
		return &cloudSlip{cloudSource, "is missing or empty"}
	case strings.ContainsFunc(source, func(c rune) bool { return c == ' ' || unicode.IsControl(c) }):
		return &cloudSlip{cloudSource, "must be a URI reference, which has no spaces"}
	case !abi.ValidChannel(channel):
		return &cloudSlip{cloudType, "is the channel: 1 to 200 of the characters A-Z a-z 0-9 _ . : - are allowed"}
	}
	return nil
}

// cloudEventID is the id of an event that a CloudEvent becomes. Two that differ in
// source or id get two: a source has no space, and so ends at the first. Where they
// are too long together, their SHA-256 stands for them, which has no space.
func cloudEventID(source, id string) string {
	joined := source + " " + id
	if len(joined) <= event.MaxIDBytes {
		return joined
	}
	sum := sha256.Sum256([]byte(joined))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// The headers of a CloudEvent in binary mode.
const (
	headerSpecVersion = "Ce-Specversion"
	headerID          = "Ce-Id"
	headerSource      = "Ce-Source"
	headerType        = "Ce-Type"
)

// isBinaryCloudEvent tells whether the headers have a CloudEvent, whose data is the
// body. Of a structured one they may repeat attributes.
func isBinaryCloudEvent(r *http.Request) bool {
	return r.Header.Get(headerSpecVersion) != "" && !strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/cloudevents")
}

// readBinaryCloudEvent reads a CloudEvent in binary mode. Without a body and its type
// it has no data.
func (h *handler) readBinaryCloudEvent(w http.ResponseWriter, r *call, limit int64) (*batch, error) {
	untyped := r.Header.Get("Content-Type") == ""
	if !untyped {
		if _, _, err := mediaType(r.Request, typeJSON); err != nil {
			return nil, err
		}
	}
	body, err := h.readBody(w, r, limit, overEvent(limit))
	if err != nil {
		return nil, err
	}
	payload := body
	if untyped && len(body) == 0 {
		payload = []byte("null")
	}
	var attributes [4]string
	for i, name := range [...]string{headerSpecVersion, headerID, headerSource, headerType} {
		if attributes[i], err = cloudHeader(r.Header, name); err != nil {
			return nil, err
		}
	}
	version, id, source, channel := attributes[0], attributes[1], attributes[2], attributes[3]
	if slip := checkCloudEvent(version, id, source, channel); slip != nil {
		return nil, badRequest("the header ce-" + membersOf(cloudEventRequest{})[slip.attribute] + " " + slip.message)
	}
	var syntax *jsondoc.SyntaxError
	if err := checkPayload(payload); errors.As(err, &syntax) {
		return nil, (&batch{body: body}).mistake(syntax.Offset, syntax.Message)
	} else if err != nil {
		return nil, err
	}
	return &batch{body: body, events: []event.Event{{Channel: channel, ID: cloudEventID(source, id), Payload: payload}}}, nil
}

// cloudHeader returns an attribute, whose characters outside ASCII are UTF-8 under
// percent signs.
func cloudHeader(h http.Header, name string) (string, error) {
	value, err := url.PathUnescape(h.Get(name))
	if err != nil || !utf8.ValidString(value) {
		return "", badRequest(fmt.Sprintf("the header %s is not percent-encoded UTF-8: a character outside ASCII, and a percent sign, are written as %%XX for each byte", strings.ToLower(name)))
	}
	return value, nil
}
