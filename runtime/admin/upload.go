package admin

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/wasm"
)

// The parts of a multipart upload.
const (
	partModule = "module"
	partSchema = "schema"
)

// uploadRequest stands for a multipart upload in the OpenAPI document.
type uploadRequest struct {
	Module []byte `json:"module"`
	Schema string `json:"schema,omitempty"`
}

// maxFraming bounds what a multipart body has beside its parts.
const maxFraming = 16 << 10

// readModule returns the module that a request carries: its body, or its part
// "module" with the part "schema" written into it. Who has sent it may do so still
// when it has arrived.
func (h *handler) readModule(w http.ResponseWriter, r *call) ([]byte, error) {
	name, params, err := mediaType(r.Request, typeWasm, typeMultipart)
	if err != nil {
		return nil, err
	}
	limits := r.tenant.Limits()
	if name == typeWasm {
		return h.readBody(w, r, limits.ModuleBytes, overPart(partModule, limits.ModuleBytes))
	}
	whole := limits.ModuleBytes + limits.SchemaBytes + maxFraming
	over := overPart(partModule, limits.ModuleBytes)
	if r.ContentLength > whole {
		return nil, over
	}
	form := multipart.NewReader(http.MaxBytesReader(w, r.Body, whole), params["boundary"])
	module, schema, err := readParts(form, map[string]int64{partModule: limits.ModuleBytes, partSchema: limits.SchemaBytes}, over)
	if err == nil {
		err = h.again(r)
	}
	if err != nil || schema == nil {
		return module, err
	}
	return withSchema(module, schema)
}

func overPart(part string, limit int64) problem.Problem {
	return tooLarge(part+"Bytes", fmt.Sprintf("the %s has more than %d bytes, the limit of the tenant", part, limit))
}

// readParts returns the two parts; schema is nil where there is none. over is
// the answer to a body that is too long as a whole.
func readParts(form *multipart.Reader, limits map[string]int64, over problem.Problem) (module, schema []byte, err error) {
	parts := make(map[string][]byte)
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, refusedRead(err, over)
		}
		name := part.FormName()
		limit, known := limits[name]
		switch {
		case !known:
			return nil, nil, badRequest(fmt.Sprintf("unknown part %q; there are %s and %s", cut(name), partModule, partSchema))
		case parts[name] != nil:
			return nil, nil, badRequest(fmt.Sprintf("there are several parts %q", name))
		case checkEncoding(http.Header(part.Header)) != nil:
			return nil, nil, checkEncoding(http.Header(part.Header))
		}
		content, err := io.ReadAll(io.LimitReader(part, limit+1))
		if err != nil {
			return nil, nil, refusedRead(err, over)
		}
		if int64(len(content)) > limit {
			return nil, nil, overPart(name, limit)
		}
		parts[name] = content
	}
	if parts[partModule] == nil {
		return nil, nil, badRequest(fmt.Sprintf("the part %q is missing", partModule))
	}
	return parts[partModule], parts[partSchema], nil
}

// withSchema appends the schema as a custom section, so that every offset in an
// error is one in the bytes that were sent. A module that has a schema is
// refused: which of both counts would be a guess. What is no module goes on as
// it is: admission says what is wrong with it.
func withSchema(module, schema []byte) ([]byte, error) {
	decoded, err := wasm.Decode(module)
	if err != nil {
		return module, nil
	}
	if _, has := decoded.CustomSection(abi.SchemaSection); has {
		return nil, problem.New(http.StatusUnprocessableEntity, abi.CodeBadUserInput, fmt.Sprintf(
			"the module has a custom section %s and the upload a part %q; send one of them", abi.SchemaSection, partSchema))
	}
	section := append(wasm.AppendName(nil, abi.SchemaSection), schema...)
	out := append(module, byte(wasm.SectionCustom))
	return append(wasm.AppendUint32(out, uint32(len(section))), section...), nil
}
