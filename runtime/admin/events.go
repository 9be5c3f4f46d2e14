package admin

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

const (
	// maxEnvelope bounds what an event's text has beside its payload.
	maxEnvelope = 4 << 10
	// maxBatchEvents and maxBatchBytes bound one batch. A batch of one event of
	// the largest size that the tenant may send always fits.
	maxBatchEvents = 10_000
	maxBatchBytes  = 16 << 20
)

// publishEvents: POST …/events, one event or a batch of lines. It answers 202
// when all are accepted; else none is.
func (h *handler) publishEvents(w http.ResponseWriter, r *call) error {
	name, _, err := mediaType(r.Request, typeJSON, typeNDJSON)
	if err != nil {
		return err
	}
	limit := r.tenant.Limits().EventBytes
	size, over := limit+maxEnvelope, overEvent(limit)
	if name == typeNDJSON {
		size = max(size, maxBatchBytes)
		over = tooLarge("", fmt.Sprintf("the batch has more than %d bytes; send it in parts", size))
	}
	body, err := h.readBody(w, r, size, over)
	if err != nil {
		return err
	}
	events, err := readEvents(body, limit, name == typeNDJSON)
	if err != nil {
		return err
	}
	accepted := len(events)
	cursor, err := h.config.Publisher.Publish(r.Context(), r.tenant, events)
	if err != nil {
		var over *tenant.RateError
		switch {
		case errors.As(err, &over) && over.RetryAfter > 0:
			w.Header().Set("Retry-After", strconv.FormatInt(over.RetryAfterSeconds(), 10))
		case errors.Is(err, event.ErrFull):
			w.Header().Set("Retry-After", "1")
		}
		return fmt.Errorf("publish: %w", err)
	}
	return answer(w, http.StatusAccepted, publishAnswer{accepted, cursor})
}

func overEvent(limit int64) problem.Problem {
	return tooLarge("eventBytes", fmt.Sprintf("the payload has more than %d bytes, the limit of the tenant", limit))
}

type publishAnswer struct {
	Accepted int    `json:"accepted"`
	Cursor   string `json:"cursor"`
}

type eventRequest struct {
	Channel string `json:"channel"`
	Payload any    `json:"payload"`
	ID      string `json:"id,omitempty"`
}

// The members of an event, in the order of eventRequest.
const (
	memberChannel = iota
	memberPayload
	memberID
)

// readEvents reads one event, or one per line. The payloads are parts of body,
// byte for byte. Blank lines count, but are no events.
func readEvents(body []byte, limit int64, lines bool) ([]event.Event, error) {
	o := object{body: body, known: membersOf(eventRequest{})}
	if !lines {
		e, err := o.event(0, len(body), limit)
		return []event.Event{e}, err
	}
	var events []event.Event
	for from := 0; from < len(body); {
		end := len(body)
		if i := bytes.IndexByte(body[from:], '\n'); i >= 0 {
			end = from + i
		}
		if len(bytes.Trim(body[from:end], " \t\r")) > 0 {
			if len(events) == maxBatchEvents {
				return nil, tooLarge("", fmt.Sprintf("the batch has more than %d events; send it in parts", maxBatchEvents))
			}
			e, err := o.event(from, end, limit)
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		from = end + 1
	}
	if events == nil {
		return nil, badRequest("the batch has no event: one JSON object per line is wanted")
	}
	return events, nil
}

// event reads the event at body[from:end].
func (o *object) event(from, end int, limit int64) (e event.Event, err error) {
	if int64(end-from) > limit+maxEnvelope {
		return e, o.placeOver(from, limit)
	}
	if err := o.readEnvelope(from, end); err != nil {
		return e, err
	}
	if e.Channel, err = o.mustText(memberChannel); err != nil {
		return e, err
	}
	if !abi.ValidChannel(e.Channel) {
		return e, o.mistakeAt(o.members[memberChannel], "channel must be 1 to 200 of the characters A-Z a-z 0-9 _ . : -")
	}
	id, given, err := o.text(memberID)
	if err != nil {
		return e, err
	}
	if given && (id == "" || len(id) > event.MaxIDBytes) {
		return e, o.mistakeAt(o.members[memberID], fmt.Sprintf("id must have 1 to %d bytes; leave it out to be given one", event.MaxIDBytes))
	}
	e.ID = id
	n := o.members[memberPayload]
	if n == 0 {
		return e, o.missing(memberPayload)
	}
	e.Payload = o.doc.Raw(n)
	if int64(len(e.Payload)) > limit {
		return e, o.placeOver(from+int(o.doc.Nodes[n].Start), limit)
	}
	return e, nil
}

// readEnvelope lets the payload have as many levels as an event may; the
// envelope is one more.
func (o *object) readEnvelope(from, end int) error {
	err := o.read(from, end, jsondoc.DefaultMaxDepth+1)
	var p problem.Problem
	tooDeep := fmt.Sprintf("more than %d levels of nesting", jsondoc.DefaultMaxDepth+1)
	if errors.As(err, &p) && p.Errors[0].Message == tooDeep {
		p.Errors[0].Message = fmt.Sprintf("the payload has more than %d levels of nesting", jsondoc.DefaultMaxDepth)
	}
	return err
}

func (o *object) placeOver(offset int, limit int64) error {
	p := overEvent(limit)
	p.Errors[0] = place(o.body, offset, p.Errors[0].Message)
	return p
}
