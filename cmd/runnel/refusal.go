package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
)

// refusedHandshake says what the server answered instead of opening a socket.
// The library has read what it keeps of the body, 1 KiB, and closed it.
func refusedHandshake(response *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		body = nil
	}
	return fmt.Errorf("open the WebSocket: %w", decodeProblem(response, body))
}

// closeMeanings tells what a close code asks of the user.
var closeMeanings = map[int]string{
	websocket.CloseGoingAway:     "the server is going away; subscribe again",
	websocket.CloseTryAgainLater: "the client was too slow or the server too busy; subscribe again",
	4400:                         "the server could not read a message",
	4401:                         "the server wants a connection_init first",
	4403:                         "the token was refused, or has expired",
	4406:                         "the server speaks no sub-protocol of ours",
	4408:                         "connection_init came too late",
	4409:                         "the operation's id is taken",
	4429:                         "connection_init came twice",
}

// explain turns the error that ended reading into one for the user.
func (s *session) explain(err error) error {
	var closed *websocket.CloseError
	var timeout net.Error
	switch {
	case errors.As(err, &closed) && closed.Code == websocket.CloseAbnormalClosure:
		return errors.New("the connection broke off")
	case errors.As(err, &closed):
		text := fmt.Sprintf("the server closed the connection: %d %s", closed.Code, closed.Text)
		if meaning := closeMeanings[closed.Code]; meaning != "" {
			text = strings.TrimSpace(text) + " (" + meaning + ")"
		}
		return errors.New(strings.TrimSpace(text))
	case errors.Is(err, websocket.ErrReadLimit):
		return fmt.Errorf("the server sent a message of more than %d bytes", maxMessageBytes)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("nothing was heard from the server for %s", 3*s.interval)
	}
	return fmt.Errorf("the connection broke off: %w", err)
}

// operationError is the server's refusal of an operation: what an error message
// carries.
type operationError struct {
	raw    []json.RawMessage // the GraphQL errors as they came
	errors []graphQLError
}

// graphQLError is what is shown of one error.
type graphQLError struct {
	Message   string `json:"message"`
	Locations []struct {
		Line   int `json:"line"`
		Column int `json:"column"`
	} `json:"locations"`
	Path       []any `json:"path"`
	Extensions struct {
		Code  string `json:"code"`
		Limit string `json:"limit"`
	} `json:"extensions"`
}

// decodeErrors reads the payload of an error message.
func decodeErrors(payload json.RawMessage) error {
	var e operationError
	if err := json.Unmarshal(payload, &e.raw); err != nil {
		return fmt.Errorf("the server refused the operation with errors that cannot be read: %w", err)
	}
	for _, raw := range e.raw {
		var one graphQLError
		if err := json.Unmarshal(raw, &one); err != nil {
			one = graphQLError{Message: string(raw)}
		}
		e.errors = append(e.errors, one)
	}
	return e
}

// Error is the text without what the server said.
func (e operationError) Error() string { return "the server refused the operation" }

// text is the error with a line for everything that the server said.
func (e operationError) text() string {
	var b strings.Builder
	b.WriteString(e.Error())
	for _, one := range e.errors {
		b.WriteString("\n  " + one.text())
	}
	return b.String()
}

func (e graphQLError) text() string {
	var place []string
	for _, l := range e.Locations {
		place = append(place, fmt.Sprintf("line %d, column %d", l.Line, l.Column))
	}
	for i, step := range e.Path {
		if i == 0 {
			place = append(place, fmt.Sprintf("path %v", step))
			continue
		}
		place[len(place)-1] += fmt.Sprintf(".%v", step)
	}
	text := behind(place, e.Message)
	code := e.Extensions.Code
	if e.Extensions.Limit != "" {
		code += ", limit " + e.Extensions.Limit
	}
	if code != "" {
		text += " (" + code + ")"
	}
	return text
}
