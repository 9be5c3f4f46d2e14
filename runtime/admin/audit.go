package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// maxAuditEntries is how many entries an audit log keeps; the oldest go.
const maxAuditEntries = 10_000

// auditTime bounds the writing of an entry.
const auditTime = 10 * time.Second

// auditEntry is what the store keeps of something that was done.
type auditEntry struct {
	Time   string `json:"time"`
	Actor  string `json:"actor"`  // "admin", "key:<id>", or "dev"
	Action string `json:"action"` // a method and a path with its parameters in braces
	Tenant string `json:"tenant,omitempty"`
	Target string `json:"target,omitempty"` // the module, the key and so on
	Status int    `json:"status"`           // of the answer
}

type auditAnswer struct {
	Entries []auditEntry `json:"entries"`
	Next    string       `json:"next,omitempty"`
}

// auditHead counts the entries of a log. Its id is before all of theirs.
type auditHead struct {
	First, Next int64 // numbers of entries
}

const auditHeadID = "!"

func auditID(n int64) string { return fmt.Sprintf("%020d", n) }

// audited tells whether a call belongs into the audit log: what changes something, and
// who has taken all that there is. Events are no matter of it: they are what the
// server is for, and too many.
func (r *call) audited() bool {
	return r.route.method != http.MethodGet && r.route.path != EventsRoute || r.route.path == backupRoute && r.Method == http.MethodGet
}

// auditLog is the tenant under which the entries for what came a way are kept. What makes
// and ends a tenant is in the log of the server, which outlives it.
func (r *route) auditLog(t *tenant.Tenant) string {
	if t == nil || r.path == "/v1/tenants/{tenant}" && r.method == http.MethodDelete {
		return ""
	}
	return t.ID()
}

// refusals are what the audit log has of late of keys that were refused what they are
// not for: once an hour each key on each route, and at most mostRefusals of a tenant,
// since every entry costs the store a write and pushes an older one out.
type refusals struct {
	sync.Mutex
	since time.Time
	noted map[string]map[string]struct{} // by tenant
}

const (
	refusalTime  = time.Hour
	mostRefusals = 100
)

// note tells whether a refusal is to be recorded.
func (s *refusals) note(tenant, what string, now time.Time) bool {
	s.Lock()
	defer s.Unlock()
	if s.noted == nil || now.Sub(s.since) >= refusalTime {
		s.since, s.noted = now, map[string]map[string]struct{}{}
	}
	own := s.noted[tenant]
	if own == nil {
		own = map[string]struct{}{}
		s.noted[tenant] = own
	}
	if _, ok := own[what]; ok || len(own) >= mostRefusals {
		return false
	}
	own[what] = struct{}{}
	return true
}

// auditRefusal records, in the log of the tenant, that a key was refused what it is
// not for.
func (h *handler) auditRefusal(r *call) {
	if h.refusals.note(r.tenant.ID(), r.actor+" "+r.route.name(), time.Now()) {
		h.audit(r, r.tenant.ID(), http.StatusForbidden)
	}
}

// audit records in a log what somebody did, or was refused. An entry that cannot
// be written is logged instead: what it is about has happened.
func (h *handler) audit(r *call, log string, status int) {
	e := auditEntry{Time: timestamp(time.Now()), Actor: r.actor, Action: r.route.name(), Status: status, Target: r.target}
	if r.tenant != nil {
		e.Tenant = r.tenant.ID()
	}
	for _, name := range []string{"module", "key", "subscription"} {
		if value, ok := r.params[name]; ok {
			e.Target = cut(value)
		}
	}
	if version := r.params["version"]; validDigest(version) {
		e.Target += " " + version
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), auditTime)
	defer cancel()
	err := h.config.Store.Update(ctx, "", func(tx store.Tx) error {
		if log != "" && errors.Is(r.tenant.Exists(tx), tenant.ErrUnknown) {
			return e.append(tx, "") // deleted meanwhile, and its log with it
		}
		return e.append(tx, log)
	})
	if err != nil {
		h.config.Logger.Error("write to the audit log", "actor", e.Actor, "action", e.Action, "tenant", e.Tenant, "target", e.Target, "status", e.Status, "error", err)
	}
}

// append writes an entry behind the others of a log.
func (e *auditEntry) append(tx store.Tx, log string) error {
	head, err := readAuditHead(tx, log)
	if err != nil {
		return err
	}
	for ; head.Next-head.First >= maxAuditEntries; head.First++ {
		if err := tx.Delete(store.Audit, log, auditID(head.First)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := tx.Put(store.Audit, log, auditID(head.Next), text); err != nil {
		return err
	}
	head.Next++
	if text, err = json.Marshal(head); err != nil {
		return err
	}
	return tx.Put(store.Audit, log, auditHeadID, text)
}

func readAuditHead(tx store.Tx, log string) (head auditHead, err error) {
	text, err := tx.Get(store.Audit, log, auditHeadID)
	if errors.Is(err, store.ErrNotFound) {
		return head, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &head)
	}
	return head, err
}

// listAudit: GET /v1/audit and GET …/audit, the newest first.
func (h *handler) listAudit(w http.ResponseWriter, r *call) error {
	limit, after, err := pageOf(r)
	if err != nil {
		return err
	}
	log, before := "", int64(0)
	if r.tenant != nil {
		log = r.tenant.ID()
	}
	if after != "" {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil || before < 0 {
			return badRequest("after must be what an answer gave as next")
		}
	}
	answered := auditAnswer{}
	err = h.config.Store.View(r.Context(), func(tx store.Tx) error {
		answered = auditAnswer{Entries: []auditEntry{}}
		head, err := readAuditHead(tx, log)
		if err != nil {
			return err
		}
		if after != "" {
			head.Next = min(head.Next, before)
		}
		for n := head.Next - 1; n >= head.First; n-- {
			if len(answered.Entries) == limit {
				answered.Next = strconv.FormatInt(n+1, 10)
				return nil
			}
			text, err := tx.Get(store.Audit, log, auditID(n))
			if err != nil {
				return err
			}
			var e auditEntry
			if err := json.Unmarshal(text, &e); err != nil {
				return err
			}
			answered.Entries = append(answered.Entries, e)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	return answer(w, http.StatusOK, answered)
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
	before func(status int) // what is to be done before anything leaves; may be nil
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if before := w.before; before != nil {
		w.before = nil
		before(status)
	}
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
