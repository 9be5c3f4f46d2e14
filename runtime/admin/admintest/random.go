package admintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Random makes requests at random. It is not safe for concurrent use.
type Random struct {
	*rand.Rand
	// Names are what a parameter of that name in a path, or a member of that name
	// in a body, is chosen from most of the time.
	Names map[string][]string
	// Tokens are bearer tokens to ask with, the first of them most of the time;
	// "" is none.
	Tokens []string
	// Rare are the operations, by their ids, that are seldom asked for.
	Rare []string
	// Modules are what is uploaded most of the time.
	Modules [][]byte
}

// strange are values that any text may have.
var strange = []string{
	"", "%", "..", "a/b", "A", "é", "\x00", "\xff", "'\"<>", strings.Repeat("a", 64), strings.Repeat("b", 5000), "null", "0", "-1", "1e400", "{}", "acme\n",
}

func (r *Random) often() bool              { return r.IntN(10) != 0 }
func (r *Random) one(list []string) string { return list[r.IntN(len(list))] }

func (r *Random) text(name string) string {
	if known := r.Names[name]; known != nil && r.often() {
		return r.one(known)
	}
	return r.one(strange)
}

// Request makes a request to some route of the document, mostly of the kind that
// the route takes.
func (r *Random) Request(d *Document) *http.Request {
	to := d.routes[r.IntN(len(d.routes))]
	for slices.Contains(r.Rare, to.operation.OperationID) && r.often() {
		to = d.routes[r.IntN(len(d.routes))]
	}
	segments := strings.Split(to.path, "/")
	for i, segment := range segments {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			segments[i] = url.PathEscape(r.text(strings.TrimSuffix(name, "}")))
		}
	}
	target := strings.Join(segments, "/")
	if query := r.query(to.operation); query != "" {
		target += "?" + query
	}
	media, body := "", []byte(nil)
	if to.operation.RequestBody != nil || !r.often() {
		media, body = r.body(to.operation)
	}
	request := httptest.NewRequest(to.method, target, bytes.NewReader(body))
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	if r.IntN(50) == 0 {
		request.Header.Set("Content-Encoding", r.one([]string{"gzip", "identity", ""}))
	}
	token := r.Tokens[0]
	if r.IntN(4) == 0 {
		token = r.one(r.Tokens)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request
}

func (r *Random) query(o *openapi3.Operation) string {
	values := url.Values{}
	for _, p := range o.Parameters {
		if p.Value.In != "query" || r.IntN(2) == 0 {
			continue
		}
		switch {
		case !r.often():
			values.Set(p.Value.Name, r.one(strange))
		case p.Value.Schema.Value.Type.Is("boolean"):
			values.Set(p.Value.Name, r.one([]string{"true", "false"}))
		case p.Value.Schema.Value.Type.Is("integer"):
			values.Set(p.Value.Name, fmt.Sprint(r.IntN(1002)))
		default:
			values.Set(p.Value.Name, r.text(p.Value.Name))
		}
	}
	if r.IntN(50) == 0 {
		return values.Encode() + r.one([]string{"&x=1", "&%zz", ";", "&limit=1&limit=2"})
	}
	return values.Encode()
}

func (r *Random) body(o *openapi3.Operation) (media string, body []byte) {
	if o.RequestBody == nil || r.IntN(20) == 0 {
		return r.one([]string{"", "text/plain", "application/json; charset=latin1", "multipart/form-data", "x"}), []byte(r.one(strange))
	}
	content := o.RequestBody.Value.Content
	var kinds []string
	for kind := range content {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	media = r.one(kinds)
	schema := content[media].Schema.Value
	switch {
	case media == "multipart/form-data":
		return r.multipart()
	case media == "application/wasm":
		return media, r.module()
	case !strings.HasSuffix(media, "json"):
		return media, []byte(r.one(strange))
	case media == "application/x-ndjson":
		for range r.IntN(4) {
			body = append(append(body, r.damaged(r.json(content["application/json"].Schema.Value, "", 0))...), '\n')
		}
		return media, body
	}
	return media, r.damaged(r.json(schema, "", 0))
}

func (r *Random) module() []byte {
	if len(r.Modules) == 0 {
		return nil
	}
	return r.damaged(slices.Clone(r.Modules[r.IntN(len(r.Modules))]))
}

func (r *Random) multipart() (media string, body []byte) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for range 1 + r.IntN(3) {
		name := r.one([]string{"module", "module", "schema", "x"})
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", name)}})
		if err == nil && name == "module" {
			_, err = part.Write(r.module())
		} else if err == nil {
			_, err = part.Write([]byte(r.one([]string{"type Query { a: Int }", "type", "\xff", ""})))
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	_ = form.Close()
	return form.FormDataContentType(), r.damaged(b.Bytes())
}

// largeBytes is more than a body of JSON may have.
const largeBytes = 100 << 10

// damaged leaves most bodies as they are.
func (r *Random) damaged(body []byte) []byte {
	if r.often() || len(body) == 0 {
		return body
	}
	switch r.IntN(5) {
	case 0:
		return body[:r.IntN(len(body))]
	case 1:
		return append(body, r.one(strange)...)
	case 2:
		return append(bytes.Repeat([]byte("["), 1000), body...)
	case 3:
		return bytes.Repeat(body, 1+largeBytes/len(body))
	}
	body[r.IntN(len(body))] = byte(r.Uint32())
	return body
}

// json makes a value of a schema, mostly: members are missing, unknown, or of
// another type now and then.
func (r *Random) json(schema *openapi3.Schema, name string, depth int) []byte {
	if !r.often() {
		return []byte(r.one([]string{"null", "0", "-1", `""`, "[]", "{}", "true", "1e400", `"\ud800"`, `{"a":1,"a":2}`, "[[[[]]]]", "9223372036854775808"}))
	}
	switch {
	case schema.Type == nil:
		return []byte(r.one([]string{`{"id":"1","total":2.5}`, "1", "null", `[1,{"a":[]}]`}))
	case schema.Enum != nil:
		text, _ := json.Marshal(schema.Enum[r.IntN(len(schema.Enum))])
		return text
	case schema.Type.Is("object"):
		return r.object(schema, depth)
	case schema.Type.Is("array"):
		items := [][]byte{}
		for range r.IntN(4) {
			items = append(items, r.json(schema.Items.Value, name, depth+1))
		}
		return append(append([]byte{'['}, bytes.Join(items, []byte{','})...), ']')
	case schema.Type.Is("boolean"):
		return []byte(r.one([]string{"true", "false"}))
	case schema.Type.Is("integer"):
		if schema.Min != nil && schema.Max != nil {
			return fmt.Appendf(nil, "%d", int64(*schema.Min)+r.Int64N(int64(*schema.Max-*schema.Min)+1))
		}
		return fmt.Appendf(nil, "%d", r.IntN(1000))
	}
	text, _ := json.Marshal(r.text(name))
	return text
}

func (r *Random) object(schema *openapi3.Schema, depth int) []byte {
	var names []string
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	var members [][]byte
	for _, name := range names {
		required := slices.Contains(schema.Required, name)
		if required && !r.often() || !required && r.IntN(1+len(names)/3) != 0 {
			continue
		}
		members = append(members, fmt.Appendf(nil, "%q:%s", name, r.json(schema.Properties[name].Value, name, depth+1)))
	}
	if !r.often() {
		members = append(members, []byte(`"unknown":1`))
	}
	return append(append([]byte{'{'}, bytes.Join(members, []byte{','})...), '}')
}
