package transport

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// serveHTTP serves one operation by the GraphQL over HTTP specification, and by
// the GraphQL over SSE protocol where the client prefers an event stream or has
// a subscription and accepts one.
//
// What keeps a request from being one of GraphQL (method, media types,
// credentials) is answered with problem+json. From there on every answer is a
// GraphQL response, with the statuses that the specification's audit wants, or a
// stream of such: what keeps an operation from being executed goes into the
// stream, since browsers show a page nothing of a response with another status.
func (h *Handler) serveHTTP(w http.ResponseWriter, r *http.Request, t *tenant.Tenant) {
	accept := negotiate(r.Header)
	if p := refuse(w, r, accept); p != nil {
		problem.Write(w, *p)
		return
	}
	identity, err := h.identify(r, t)
	if err != nil {
		h.refuseIdentity(w, t, err)
		return
	}
	if over := t.TakeOperation(); over != nil {
		h.refuseRate(w, t, accept, over)
		return
	}
	request, failure := readHTTP(w, r, t.Limits().MessageBytes)
	if failure != nil {
		h.writeFailure(w, accept.plain(), failure)
		return
	}
	if err := t.Admits(identity); err != nil { // any more, now that the body has arrived
		h.refuseIdentity(w, t, errors.Join(err, ErrRefused))
		return
	}
	operation, errs := h.config.Executor.Open(r.Context(), t, identity, request)
	if len(errs) > 0 {
		h.refuseOperation(w, r, accept.response, errs)
		return
	}
	if failure = misplaced(w, r, operation.Kind(), accept); failure != nil {
		operation.Close()
		h.writeFailure(w, accept.plain(), failure)
		return
	}
	if operation.Kind() != graph.Subscription {
		if over := t.OverFuel(); over != nil {
			operation.Close()
			h.refuseRate(w, t, accept, over)
			return
		}
	}
	if accept.response == typeStream || operation.Kind() == graph.Subscription {
		h.serveStream(w, r, t, identity, operation, request.Extensions)
		return
	}
	h.writeResponse(w, accept.response, http.StatusOK, operation.Execute(r.Context()))
}

// refuseRate answers an operation that is over a rate of the tenant.
func (h *Handler) refuseRate(w http.ResponseWriter, t *tenant.Tenant, accept accepted, over *tenant.RateError) {
	h.config.Executor.Refused(t, abi.CodeLimitExceeded)
	w.Header().Set("Retry-After", strconv.FormatInt(over.RetryAfterSeconds(), 10))
	h.writeErrors(w, accept.plain(), http.StatusTooManyRequests, graph.Errors{overRateError(over)})
}

// refuseOperation answers an operation that was not opened.
func (h *Handler) refuseOperation(w http.ResponseWriter, r *http.Request, media string, errs graph.Errors) {
	if media == typeStream {
		h.streamErrors(w, r, errs)
		return
	}
	h.writeErrors(w, media, statusOf(media, errs), errs)
}

// refuse looks at what can be told from the headers alone.
func refuse(w http.ResponseWriter, r *http.Request, accept accepted) *problem.Problem {
	status, message := 0, ""
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		status, message = http.StatusMethodNotAllowed, "the method must be GET or POST"
	case accept.response == "":
		w.Header().Add("Vary", "Accept")
		status = http.StatusNotAcceptable
		message = "the response is " + typeGraphQL + ", " + typeJSON + " or " + typeStream + "; Accept allows none of these"
	case r.Method == http.MethodPost && isEncoded(r.Header):
		status, message = http.StatusUnsupportedMediaType, "a body with Content-Encoding is not read"
	case r.Method == http.MethodPost && !isJSON(r.Header.Get("Content-Type")):
		status, message = http.StatusUnsupportedMediaType, "the body's Content-Type must be application/json in UTF-8"
	default:
		return nil
	}
	p := problem.New(status, abi.CodeBadUserInput, message)
	return &p
}

// isEncoded tells whether the body is not as it is, but compressed.
func isEncoded(h http.Header) bool {
	return slices.ContainsFunc(h.Values("Content-Encoding"), func(encoding string) bool { return !strings.EqualFold(encoding, "identity") })
}

func isJSON(contentType string) bool {
	media, parameters, err := mime.ParseMediaType(contentType)
	return err == nil && media == typeJSON && isUTF8(parameters)
}

func (h *Handler) identify(r *http.Request, t *tenant.Tenant) (tenant.Identity, error) {
	credentials := headerCredentials(r)
	if details := r.Header.Get(identityHeader); details != "" {
		credentials.Details = []byte(details)
	}
	return h.config.Authenticator.Authenticate(r.Context(), t, credentials)
}

func (h *Handler) refuseIdentity(w http.ResponseWriter, t *tenant.Tenant, err error) {
	var malformed *CredentialsError
	if errors.As(err, &malformed) {
		h.config.Logger.Debug("credentials of a request refused", "tenant", t.ID(), "error", err)
		problem.Write(w, problem.New(http.StatusBadRequest, abi.CodeBadUserInput, "the header "+identityHeader+": "+malformed.Message))
		return
	}
	if errors.Is(err, ErrRefused) {
		h.config.Logger.Debug("credentials of a request refused", "tenant", t.ID(), "error", err)
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem.Write(w, problem.New(http.StatusUnauthorized, abi.CodeUnauthenticated, "the credentials were refused; send Authorization: Bearer … with a token that the tenant takes and that has not expired"))
		return
	}
	if errors.Is(err, ErrUnavailable) {
		h.config.Logger.Debug("credentials of a request refused", "tenant", t.ID(), "error", err)
		w.Header().Set("Retry-After", "60")
		problem.Write(w, problem.New(http.StatusServiceUnavailable, abi.CodeInternal, reasonUnavailable))
		return
	}
	h.config.Logger.Error("authenticate a request", "tenant", t.ID(), "error", err)
	problem.Write(w, problem.New(http.StatusInternalServerError, abi.CodeInternal, reasonInternal))
}

// failure is a request that is not to be executed.
type failure struct {
	status  int
	code    abi.Code
	message string
	limit   string // its name, where one was met
}

func badRequest(message string) *failure {
	return &failure{status: http.StatusBadRequest, code: abi.CodeBadUserInput, message: message}
}

func readHTTP(w http.ResponseWriter, r *http.Request, maxBytes int64) (graph.Request, *failure) {
	if r.Method == http.MethodGet {
		return readGET(r.URL.RawQuery)
	}
	over := &failure{
		http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded,
		fmt.Sprintf("the body is longer than %d bytes", maxBytes), "messageBytes",
	}
	// Before the body is asked for: who sends on while the connection is being closed
	// may lose the answer.
	if r.ContentLength > maxBytes {
		return graph.Request{}, over
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return graph.Request{}, over
	case err != nil:
		return graph.Request{}, badRequest("the body did not arrive whole")
	}
	return readPOST(body)
}

func readPOST(body []byte) (graph.Request, *failure) {
	var doc jsondoc.Document
	if err := doc.Parse(body, jsondoc.Options{}); err != nil {
		return graph.Request{}, badRequest("the body is not valid JSON: " + err.Error())
	}
	if doc.Nodes[0].Kind != jsondoc.Object {
		return graph.Request{}, badRequest("the body must be one object, but it is " + kindOf(&doc, 0, true))
	}
	request, wrong := readRequest(&doc, 0)
	if wrong != "" {
		return graph.Request{}, badRequest(wrong)
	}
	return request, nil
}

// readGET reads the parameters of a URL. An empty one that is optional is one
// that was not given.
func readGET(rawQuery string) (graph.Request, *failure) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return graph.Request{}, badRequest("the URL's query is malformed")
	}
	for _, key := range []string{"query", "operationName", "variables", "extensions"} {
		if len(values[key]) > 1 {
			return graph.Request{}, badRequest("'" + key + "' is given more than once")
		}
	}
	if !values.Has("query") {
		return graph.Request{}, badRequest("'query' is missing")
	}
	request := graph.Request{Query: values.Get("query"), OperationName: values.Get("operationName")}
	var bad *failure
	if request.Variables, bad = readJSON(values, "variables"); bad != nil {
		return graph.Request{}, bad
	}
	request.Extensions, bad = readJSON(values, "extensions")
	return request, bad
}

func readJSON(values url.Values, key string) ([]byte, *failure) {
	text := []byte(values.Get(key))
	if len(text) == 0 {
		return nil, nil
	}
	var doc jsondoc.Document
	if err := doc.Parse(text, jsondoc.Options{}); err != nil {
		return nil, badRequest("'" + key + "' is not valid JSON: " + err.Error())
	}
	switch doc.Nodes[0].Kind {
	case jsondoc.Object:
		return text, nil
	case jsondoc.Null:
		return nil, nil
	}
	return nil, badRequest(expected(key, "an object or null", kindOf(&doc, 0, true)))
}

// misplaced refuses what this request cannot carry: a GET must not change
// anything, and a response that is one JSON value cannot be a stream, which
// makes a subscription a matter of what is acceptable.
func misplaced(w http.ResponseWriter, r *http.Request, kind graph.OperationKind, accept accepted) *failure {
	switch {
	case kind == graph.Subscription && !accept.stream:
		return &failure{
			status: http.StatusNotAcceptable, code: abi.CodeBadUserInput,
			message: "a subscription needs Accept: " + typeStream + ", or a WebSocket with the subprotocol " + subprotocol,
		}
	case kind == graph.Mutation && r.Method == http.MethodGet:
		w.Header().Set("Allow", "POST, OPTIONS")
		return &failure{
			status: http.StatusMethodNotAllowed, code: abi.CodeBadUserInput, message: "a mutation needs the method POST",
		}
	}
	return nil
}

// statusOf gives the status of a response without data. To a client that does
// not know application/graphql-response+json, an error status would hide the
// errors: it gets 200 for all that is its own fault.
func statusOf(media string, errs graph.Errors) int {
	code := errs[0].Code
	switch {
	case code == abi.CodeInternal:
		return http.StatusInternalServerError
	case media == typeJSON:
		return http.StatusOK
	case code == abi.CodeForbidden:
		return http.StatusForbidden
	case code == abi.CodeUnauthenticated:
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

func (h *Handler) writeFailure(w http.ResponseWriter, media string, f *failure) {
	e := &graph.Error{Message: f.message, Code: f.code}
	if f.limit != "" {
		e.Extensions = []byte(`{"limit":"` + f.limit + `"}`)
	}
	h.writeErrors(w, media, f.status, graph.Errors{e})
}

func (h *Handler) writeErrors(w http.ResponseWriter, media string, status int, errs graph.Errors) {
	body := errs.Append([]byte(`{"errors":`))
	h.writeResponse(w, media, status, append(body, '}'))
}

func (h *Handler) writeResponse(w http.ResponseWriter, media string, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", media+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Add("Vary", "Accept")
	w.WriteHeader(status)
	_ = response.New(w, h.config.WriteTimeout).Write(body) // the client may be gone, which is nobody's failure
}
