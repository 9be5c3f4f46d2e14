package admin

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

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

// How soon a publisher may try again, in seconds, where the answer is Retry-After.
const (
	retryFull        = "1" // there is no room, and nobody knows for how long
	retryUnavailable = "2" // the bus is not there, or this server won't be
)

// publishEvents: POST …/events, one event or a batch. It answers 202 when all
// are accepted; else none is.
func (h *handler) publishEvents(w http.ResponseWriter, r *call) error {
	b, err := h.readBatch(w, r, r.tenant.Limits().EventBytes)
	if err != nil {
		return err
	}
	accepted := len(b.events)
	cursor, err := h.config.Publisher.Publish(r.Context(), r.tenant, b.events)
	if err != nil {
		return b.refused(w, err)
	}
	return answer(w, http.StatusAccepted, publishAnswer{accepted, cursor})
}

// batch is what one request publishes.
type batch struct {
	body   []byte
	events []event.Event // whose payloads may be parts of body
	places []int         // where in body each of them begins; nil where none does
}

// readBatch reads a body of any form that events are published in: as Runnel has
// them, or CloudEvents.
func (h *handler) readBatch(w http.ResponseWriter, r *call, limit int64) (*batch, error) {
	if isBinaryCloudEvent(r.Request) {
		return h.readBinaryCloudEvent(w, r, limit)
	}
	name, _, err := mediaType(r.Request, typeJSON, typeNDJSON, typeCloudEvent, typeCloudEvents)
	if err != nil {
		return nil, err
	}
	size, over := limit+maxEnvelope, overEvent(limit)
	if name == typeCloudEvent {
		size = maxCloudEvent(limit)
	}
	if name == typeNDJSON || name == typeCloudEvents {
		size = max(size, maxBatchBytes)
		over = tooLarge("", fmt.Sprintf("the batch has more than %d bytes; send it in parts", size))
	}
	body, err := h.readBody(w, r, size, over)
	if err != nil {
		return nil, err
	}
	b := &batch{body: body}
	switch name {
	case typeNDJSON:
		err = b.readLines(limit)
	case typeCloudEvent:
		err = b.readCloudEvent(limit)
	case typeCloudEvents:
		err = b.readCloudEvents(limit)
	default:
		err = b.readEvent(limit)
	}
	return b, err
}

// add takes an event that was read from body at a place.
func (b *batch) add(e event.Event, err error, place int) error {
	if err == nil {
		b.events, b.places = append(b.events, e), append(b.places, place)
	}
	return err
}

// room refuses an event more than a batch may have.
func (b *batch) room() error {
	if len(b.events) == maxBatchEvents {
		return tooLarge("", fmt.Sprintf("the batch has more than %d events; send it in parts", maxBatchEvents))
	}
	return nil
}

// refused says when a publisher may try again, and which event was the reason.
func (b *batch) refused(w http.ResponseWriter, err error) error {
	var over *tenant.RateError
	var full *event.FullError
	var conflict *event.ConflictError
	wait := ""
	switch {
	case errors.As(err, &conflict):
		return b.conflict(conflict)
	case errors.As(err, &over):
		wait = strconv.FormatInt(over.RetryAfterSeconds(), 10)
	case errors.As(err, &full):
		wait = strconv.FormatInt(int64((full.RetryAfter+time.Second-1)/time.Second), 10)
	case errors.Is(err, event.ErrFull):
		wait = retryFull
	case errors.Is(err, event.ErrUnavailable), errors.Is(err, event.ErrClosed), errors.Is(err, tenant.ErrDeleting), isEnded(err):
		wait = retryUnavailable
	}
	if wait != "" {
		w.Header().Set("Retry-After", wait)
	}
	return fmt.Errorf("publish: %w", err)
}

func (b *batch) conflict(c *event.ConflictError) problem.Problem {
	message := fmt.Sprintf("event %d of the request: the id %q was published on channel %s with another payload; nothing was accepted", c.Index+1, cut(c.ID), c.Channel)
	p := problem.New(http.StatusConflict, abi.CodeBadUserInput, message)
	if c.Index < len(b.places) {
		p.Errors[0] = place(b.body, b.places[c.Index], message)
	}
	return p
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

// readEvent reads one event. Its payload is a part of the body, byte for byte.
func (b *batch) readEvent(limit int64) error {
	o := object{body: b.body, known: membersOf(eventRequest{})}
	e, err := o.event(0, len(b.body), limit)
	return b.add(e, err, 0)
}

// readLines reads an event per line. Blank lines count, but are no events.
func (b *batch) readLines(limit int64) error {
	o := object{body: b.body, known: membersOf(eventRequest{})}
	for from := 0; from < len(b.body); {
		end := len(b.body)
		if i := bytes.IndexByte(b.body[from:], '\n'); i >= 0 {
			end = from + i
		}
		if len(bytes.Trim(b.body[from:end], " \t\r")) > 0 {
			if err := b.room(); err != nil {
				return err
			}
			e, err := o.event(from, end, limit)
			if err := b.add(e, err, from); err != nil {
				return err
			}
		}
		from = end + 1
	}
	if b.events == nil {
		return badRequest("the batch has no event: one JSON object per line is wanted")
	}
	return nil
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
	if err := event.CheckID(id); err != nil {
		return e, o.mistakeAt(o.members[memberID], err.Error())
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
