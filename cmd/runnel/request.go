package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/problem"
)

const (
	// maxAnswerBytes bounds the body of an answer.
	maxAnswerBytes = 4 << 20
	// maxQuotedBytes bounds what is shown of an error that is no problem+json.
	maxQuotedBytes = 200
	// maxUnaskedBytes is the longest body that is sent before the server has
	// looked at the headers.
	maxUnaskedBytes = 64 << 10
	dialTimeout     = 10 * time.Second
)

// send does one request and returns the body of a good answer, which is valid
// JSON, or nothing where the server has nothing to say. An answer with an error status is
// returned as a problem.Problem.
func (r *remote) send(ctx context.Context, method string, target *url.URL, contentType string, body []byte) ([]byte, error) {
	answer, err := r.exchange(ctx, method, target, "application/json", contentType, body)
	if err == nil && len(answer) > 0 && !json.Valid(answer) {
		return nil, fmt.Errorf("the answer of %s is no JSON; is a Runnel server there?", target)
	}
	return answer, err
}

// sendText is send without a body, for an answer that is plain text.
func (r *remote) sendText(ctx context.Context, method string, target *url.URL) ([]byte, error) {
	return r.exchange(ctx, method, target, "text/plain", "", nil)
}

func (r *remote) exchange(ctx context.Context, method string, target *url.URL, accept, contentType string, body []byte) ([]byte, error) {
	shown := &progress{out: r.terminal, what: "upload", body: bytes.NewReader(body), total: len(body), shown: -1}
	defer shown.end()
	request, err := r.request(ctx, method, target, accept, shown)
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(len(body))
	if len(body) == 0 {
		request.Body = http.NoBody
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if len(body) > maxUnaskedBytes {
		// A refusal would be lost where the server hangs up amid a long body.
		request.Header.Set("Expect", "100-continue")
	}
	client := r.client()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, r.unreached(target, err)
	}
	defer func() { _ = response.Body.Close() }() // it was read; nothing can be lost
	return readAnswer(target, response)
}

// stream gets an answer that read takes as it comes. The time-out is for its
// beginning alone.
func (r *remote) stream(ctx context.Context, target *url.URL, accept string, read func(io.Reader) error) error {
	request, err := r.request(ctx, http.MethodGet, target, accept, nil)
	if err != nil {
		return err
	}
	client := r.client()
	client.Timeout = 0
	client.Transport.(*http.Transport).ResponseHeaderTimeout = r.timeout
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return r.unreached(target, err)
	}
	defer func() { _ = response.Body.Close() }() // what is left of it is not wanted
	if response.StatusCode != http.StatusOK {
		_, err := readAnswer(target, response)
		return err
	}
	return read(response.Body)
}

// request makes a request with the headers that all have.
func (r *remote) request(ctx context.Context, method string, target *url.URL, accept string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept+", "+problem.ContentType)
	if authorization := r.authorization(); authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	return request, nil
}

// client follows no redirect: an upload and a token go where the user sent them.
func (r *remote) client() *http.Client {
	return &http.Client{
		Timeout: r.timeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout:   dialTimeout,
			ExpectContinueTimeout: time.Second,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// unreached says why there was no answer.
func (r *remote) unreached(target *url.URL, err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		if inner.Timeout() {
			return fmt.Errorf("%s did not answer within %s", target, r.timeout)
		}
		err = inner.Err
	}
	return unreachable(target, err)
}

// unreachable says what can be done about it.
func unreachable(target *url.URL, err error) error {
	advice := "--server or RUNNEL_SERVER says where the server is"
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		advice = "on Linux SSL_CERT_FILE names a file of authorities to trust"
	}
	return fmt.Errorf("%s cannot be reached: %w; %s", target, err, advice)
}

func readAnswer(target *url.URL, response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of %s broke off: %w", target, err)
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, refusal(response, body)
	case len(body) > maxAnswerBytes:
		return nil, fmt.Errorf("the answer of %s is longer than %d bytes", target, maxAnswerBytes)
	case len(body) == 0 && response.StatusCode != http.StatusNoContent:
		return nil, fmt.Errorf("the answer of %s is empty; is a Runnel server there?", target)
	}
	return body, nil
}

// laterError is a refusal that says when to try again.
type laterError struct {
	problem.Problem
	wait time.Duration
}

func (e laterError) Unwrap() error { return e.Problem }

// refusal is the error of an answer that is none.
func refusal(response *http.Response, body []byte) error {
	p := decodeProblem(response, body)
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16)
	if err != nil || p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable {
		return p
	}
	return laterError{p, time.Duration(seconds) * time.Second}
}

// decodeProblem reads the body of an error, as far as it is a problem. The
// status is the one of the answer, whatever the body says.
func decodeProblem(response *http.Response, body []byte) problem.Problem {
	var p problem.Problem
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == problem.ContentType && len(body) <= maxAnswerBytes && json.Unmarshal(body, &p) == nil {
		p.Status = response.StatusCode
		return p
	}
	p = problem.Problem{Status: response.StatusCode}
	if location := response.Header.Get("Location"); location != "" {
		p.Errors = append(p.Errors, problem.Error{Message: "the server points to " + location + ", which is not followed"})
	}
	if quoted := quote(body); kind == "text/plain" && quoted != "" {
		p.Errors = append(p.Errors, problem.Error{Message: quoted})
	}
	return p
}

// quote returns the first line of a text, cut.
func quote(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if len(line) > maxQuotedBytes {
		line = strings.ToValidUTF8(line[:maxQuotedBytes], "") + "…"
	}
	return line
}
