package transport

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// stream is a response of server-sent events, for one operation: the distinct
// connections mode of the GraphQL over SSE protocol. It is the Sink of its
// subscription. The goroutine of ServeHTTP writes it, and nobody else does.
//
// Its states are two: open, and sealed, where nothing enters the queue any more.
// What waits then still leaves, and with it the response ends. Whether the
// operation is over or the client should come back, the protocol says by the
// event complete alone, so it is the last word of an operation and of nothing
// else.
type stream struct {
	handler  *Handler
	tenant   *tenant.Tenant
	identity tenant.Identity
	w        http.ResponseWriter
	response response.Writer // of w
	wake     chan struct{}   // holds one: the queue has something, or was sealed
	tasks    sync.WaitGroup
	cursors  bool // responses have their cursors in them, not only beside them
	executes bool // a query or a mutation

	mu struct {
		outgoing
		lane
		subscription Subscription // nil before it is live, and for queries and mutations
		writeBy      time.Time    // no write may last longer; zero for no such time
		expiry       *time.Timer  // nil where the identity does not end by itself
		over         bool         // ServeHTTP returns: the response is not ours any more
	}
}

// serveStream answers with an event stream and returns when it has ended.
func (h *Handler) serveStream(w http.ResponseWriter, r *http.Request, t *tenant.Tenant, id tenant.Identity, o Operation, extensions []byte) {
	cursor, bad := lastEventID(r.Header)
	if bad != nil {
		o.Close()
		h.writeFailure(w, typeJSON, bad)
		return
	}
	resume, errs := readResume(extensions)
	if errs != nil && o.Kind() == graph.Subscription {
		o.Close()
		h.refuseOperation(w, r, typeStream, errs)
		return
	}
	s := &stream{handler: h, tenant: t, identity: id, w: w, response: response.New(w, h.config.WriteTimeout), wake: make(chan struct{}, 1), cursors: resume.Cursors}
	if err := s.response.Control.SetWriteDeadline(time.Time{}); err != nil {
		o.Close()
		h.config.Logger.Error("an event stream cannot be written with deadlines", "tenant", t.ID(), "error", err)
		problem.Write(w, problem.New(http.StatusInternalServerError, abi.CodeInternal, reasonInternal))
		return
	}
	held, p := h.enter(t, subjectOf(id))
	if p != nil {
		o.Close()
		w.Header().Set("Retry-After", retryAfter)
		problem.Write(w, *p)
		return
	}
	defer h.leave(t, s, &held)
	ctx, cancel := context.WithCancel(r.Context())
	defer s.tasks.Wait()
	defer cancel()
	if o.Kind() != graph.Subscription {
		s.executes = true
		s.execute(ctx, o)
	} else {
		if cursor != "" { // a browser that comes back repeats the URL, and what that says is older
			resume.Cursor = cursor
		}
		resume.Cursors = true
		s.subscribe(o, resume)
	}
	s.expire()
	h.admit(t, s)
	s.serve(ctx, r)
}

// streamErrors answers an operation that was not opened.
func (h *Handler) streamErrors(w http.ResponseWriter, r *http.Request, errs graph.Errors) {
	writeStreamHead(w, r)
	_ = response.New(w, h.config.WriteTimeout).Write(appendCompleteEvent(appendErrorsEvent([]byte(keepAliveComment), errs))) // the client may be gone
}

func (s *stream) execute(ctx context.Context, o Operation) {
	s.tasks.Go(func() {
		defer s.recovered()
		s.Next(graph.Delivery{Response: o.Execute(ctx)})
		s.Complete()
	})
}

func (s *stream) subscribe(o Operation, resume Resume) {
	subscription, errs := o.Subscribe(s, resume)
	if len(errs) > 0 {
		s.Error(errs)
		return
	}
	s.mu.Lock()
	s.mu.subscription = subscription
	s.mu.Unlock()
}

// recovered turns a panic, which is a bug, into the end of this one response.
func (s *stream) recovered() {
	if p := recover(); p != nil {
		s.handler.config.Logger.Error("panic while serving an event stream",
			"tenant", s.tenant.ID(), "panic", p, "stack", string(debug.Stack()))
		s.mu.ends(EndInternal)
		s.Error(graph.Errors{{Message: reasonInternal, Code: abi.CodeInternal}})
	}
}

// Next implements Sink.
func (s *stream) Next(d graph.Delivery) (taken, skipped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.queue.sealed {
		s.mu.lost(!s.executes)
		return false, false
	}
	return s.mu.deliver(s, &s.mu.lane, nil, &d, flowOf(s.tenant))
}

// queueResponse implements sender.
func (s *stream) queueResponse(_ *operation, response []byte, cursor string, skipped int) {
	b := s.mu.queue.open()
	b.bytes = appendNextEvent(b.bytes, response, cursor, s.cursors, skipped)
	if s.executes {
		s.mu.queue.add(nil, false)
	} else {
		s.mu.queue.addResponse(nil)
	}
	s.wakeLocked()
}

// queuePosition implements sender.
func (s *stream) queuePosition(_ *operation, cursor string) {
	b := s.mu.queue.open()
	b.bytes = appendPositionEvent(b.bytes, cursor)
	s.mu.queue.add(nil, false)
	s.wakeLocked()
}

// paced implements sender.
func (s *stream) paced() {
	defer s.recovered()
	s.mu.look(s, flowOf(s.tenant))
}

// Position implements Sink.
func (s *stream) Position(cursor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.queue.sealed {
		s.mu.position(s, &s.mu.lane, nil, cursor, flowOf(s.tenant))
	}
}

// Ready implements Sink.
func (s *stream) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.ready(flowOf(s.tenant).queueBytes)
}

// Error implements Sink. A subscriber who is not known any more gets no word but
// the end of the response: he comes back, and is told then.
func (s *stream) Error(errs graph.Errors) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.queue.sealed {
		return
	}
	if errs[0].Code == abi.CodeUnauthenticated {
		s.mu.endsLocked(EndRefused)
	} else {
		s.mu.endsLocked(EndCompleted)
		s.mu.flushAll(s)
		b := s.mu.queue.open()
		b.bytes = appendCompleteEvent(appendErrorsEvent(b.bytes, errs))
		s.mu.queue.add(nil, false)
	}
	s.sealLocked()
}

// Complete implements Sink.
func (s *stream) Complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.queue.sealed {
		return
	}
	s.mu.endsLocked(EndCompleted)
	s.mu.flushAll(s)
	b := s.mu.queue.open()
	b.bytes = appendCompleteEvent(b.bytes)
	s.mu.queue.add(nil, false)
	s.sealLocked()
}

// slowLocked implements sender.
func (s *stream) slowLocked(int) {
	s.dropLocked()
	s.mu.endsLocked(EndSlowConsumer)
	s.sealLocked()
	// The caller may be within a sink's call, where nothing can be stopped.
	s.tasks.Go(s.stop)
}

// dropLocked forgets all that waits.
func (s *stream) dropLocked() {
	s.mu.queue.drop()
	s.mu.forgetAll()
}

// sealLocked ends the response behind what waits.
func (s *stream) sealLocked() {
	s.mu.flushAll(s)
	s.mu.queue.sealed = true
	s.wakeLocked()
}

func (s *stream) wakeLocked() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look
	}
}

// stop ends the subscription, where there is one.
func (s *stream) stop() {
	defer s.recovered()
	s.mu.Lock()
	subscription := s.mu.subscription
	s.mu.Unlock()
	if subscription != nil && subscription.Close() {
		s.handler.counts.closes(false, s.mu.ended())
	}
}

// tell has the client told how far the subscription is, where there is one.
func (s *stream) tell() {
	s.mu.Lock()
	subscription := s.mu.subscription
	s.mu.Unlock()
	if subscription != nil {
		subscription.Tell()
	}
}

// close implements connection. A response has no place for a code or a reason; a
// code of 0 is none.
func (s *stream) close(code int, _ string) {
	if code != 0 {
		s.mu.ends(endingOf(code))
	}
	s.closeWithin(s.handler.config.CloseTimeout)
}

// expire ends the response with the identity. He who comes back is refused with
// a status.
func (s *stream) expire() {
	if end := s.identity.Expires(); !end.IsZero() {
		s.mu.Lock()
		s.mu.expiry = time.AfterFunc(time.Until(end), s.recheck)
		s.mu.Unlock()
	}
}

// recheck implements connection.
func (s *stream) recheck() {
	if err := s.tenant.Admits(s.identity); err != nil {
		s.mu.ends(endingOfToken(err))
		s.close(closeForbidden, reasonForbidden)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.expiry != nil && !s.mu.over {
		s.mu.expiry.Reset(time.Until(s.identity.Expires())) // the clock may have been set back
	}
}

// out implements connection.
func (s *stream) out() *outgoing { return &s.mu.outgoing }

// cut implements connection.
func (s *stream) cut() { s.closeWithin(0) }

// closeWithin ends the response once what waits has been written, for which there
// is so much time.
func (s *stream) closeWithin(limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.over {
		return
	}
	if by := time.Now().Add(limit); s.mu.writeBy.IsZero() || by.Before(s.mu.writeBy) {
		s.mu.writeBy = by
		_ = s.response.Control.SetWriteDeadline(by) // of the write under way; it worked before
	}
	s.sealLocked()
}

// serve writes the response until it ends. By then the subscription was made, so
// that whoever sees the response's status knows it.
func (s *stream) serve(ctx context.Context, r *http.Request) {
	defer s.stop()
	defer s.finish()
	// The client has left, or the server is about to.
	defer context.AfterFunc(ctx, func() { s.close(0, "") })()
	writeStreamHead(s.w, r)
	if s.writeBytes([]byte(keepAliveComment)) != nil {
		return
	}
	beat := time.NewTicker(s.handler.config.KeepAlive)
	defer beat.Stop()
	for s.flush() {
		select {
		case <-s.wake:
		case <-beat.C:
			if s.writeBytes([]byte(keepAliveComment)) != nil {
				return
			}
			s.tell()
		}
	}
}

func writeStreamHead(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", typeStream+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	if r.ProtoMajor == 1 {
		h.Set("Connection", "close") // the last deadline is left on it
	}
	h.Add("Vary", "Accept")
	w.WriteHeader(http.StatusOK)
}

// flush writes all that waits. It reports false where nothing can follow.
func (s *stream) flush() bool {
	for {
		b, sealed := s.take()
		if b == nil {
			return !sealed
		}
		if err := b.write(s); err != nil {
			s.mu.broke(err)
			return false
		}
		b.recycle()
	}
}

// take gives what waits to be written; nil where nothing does.
func (s *stream) take() (b *batch, sealed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.release(s, flowOf(s.tenant))
	return s.mu.queue.take(), s.mu.queue.sealed
}

// writeBytes implements outlet. It leaves no deadline but that of the response's
// end: one of HTTP/2 would end a response that only has nothing to say.
func (s *stream) writeBytes(p []byte) error {
	if err := s.response.WriteWithin(p, s.extend); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.response.Control.SetWriteDeadline(s.mu.writeBy)
}

// extend gives the next write its time.
func (s *stream) extend() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := time.Now().Add(s.response.Timeout())
	if !s.mu.writeBy.IsZero() && s.mu.writeBy.Before(by) {
		by = s.mu.writeBy
	}
	return s.response.Control.SetWriteDeadline(by)
}

// wrote implements outlet.
func (s *stream) wrote(frames []frame, n, start int) (cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut, _ = s.mu.queue.wrote(frames, n, start)
	return cut
}

// finish gives the response back to net/http, which has its end to write. After a
// write that failed it writes no more.
func (s *stream) finish() {
	_ = s.extend()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.over = true
	if s.mu.expiry != nil {
		s.mu.expiry.Stop()
	}
	s.dropLocked()
	s.mu.queue.sealed = true
}
