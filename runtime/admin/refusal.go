package admin

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// describe is the one place where an error becomes an answer. What is not the
// caller's fault is logged, and not shown.
func (h *handler) describe(r *http.Request, err error) problem.Problem {
	var p problem.Problem
	var refused *registry.Error
	var limits *tenant.LimitsError
	var over *tenant.RateError
	var batch *event.BatchError
	var full *bodiesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refused):
		if refused.Reason == registry.Unavailable {
			h.config.Logger.ErrorContext(r.Context(), "admin request", "method", r.Method, "path", r.URL.Path, "error", err, "cause", refused.Unwrap())
		}
		return refusedModule(refused)
	case errors.As(err, &limits):
		return refusedLimits(limits)
	case errors.As(err, &over):
		p = problem.New(http.StatusTooManyRequests, abi.CodeLimitExceeded, over.Error())
		p.Limit = over.Limit
		return p
	case errors.As(err, &full):
		return problem.New(http.StatusTooManyRequests, abi.CodeLimitExceeded, full.Error())
	case errors.As(err, &batch):
		return tooLarge(batch.Limit, batch.Error())
	case errors.Is(err, tenant.ErrExists):
		return problem.New(http.StatusConflict, abi.CodeBadUserInput, "there is a tenant of this id already; PATCH changes its limits")
	case errors.Is(err, tenant.ErrTooManyKeys):
		p = problem.New(http.StatusConflict, abi.CodeLimitExceeded, "the tenant has as many keys as its limit allows; delete one first")
		p.Limit = "keys"
		return p
	case errors.Is(err, tenant.ErrUnknownKey):
		return notFound("the tenant has no such key; GET …/keys lists all")
	case errors.Is(err, tenant.ErrUnknown):
		return notFound("there is no such tenant")
	case errors.Is(err, tenant.ErrDeleting):
		return problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the tenant is being deleted; nothing was accepted")
	case errors.Is(err, tenant.ErrUnread):
		return problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the tenant cannot be served at the moment; try again later")
	case errors.Is(err, event.ErrFull):
		return problem.New(http.StatusTooManyRequests, abi.CodeLimitExceeded, "too many events are waiting for their subscribers; nothing was accepted, try again later")
	case errors.Is(err, event.ErrUnavailable):
		return problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the bus can't be reached; what of the request was accepted is not known: send it again with ids")
	case errors.Is(err, event.ErrClosed):
		return problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the server is shutting down")
	case isEnded(err):
		return problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the server is shutting down, or the request was given up; what became of it is not known, and of events some may have been accepted: send them again with ids")
	}
	h.config.Logger.ErrorContext(r.Context(), "admin request", "method", r.Method, "path", r.URL.Path, "error", err)
	return problem.New(http.StatusInternalServerError, abi.CodeInternal, "internal error")
}

// isEnded tells whether the context of a request has ended.
func isEnded(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func badRequest(message string) problem.Problem {
	return problem.New(http.StatusBadRequest, abi.CodeBadUserInput, message)
}

func notFound(message string) problem.Problem {
	return problem.New(http.StatusNotFound, abi.CodeBadUserInput, message)
}

func tooLarge(limit, message string) problem.Problem {
	p := problem.New(http.StatusRequestEntityTooLarge, abi.CodeLimitExceeded, message)
	p.Limit = limit
	return p
}

func refusedLimits(e *tenant.LimitsError) problem.Problem {
	p := problem.New(http.StatusBadRequest, abi.CodeBadUserInput)
	for _, one := range e.Problems {
		p.Errors = append(p.Errors, problem.Error{Message: one.Message})
	}
	return p
}

func refusedModule(e *registry.Error) problem.Problem {
	p := problem.Problem{Status: moduleStatus(e), Code: e.Code, Limit: e.Limit}
	if e.Reason != registry.Invalid && e.Reason != registry.Malformed || len(e.Problems) == 0 {
		p.Errors = append(p.Errors, problem.Error{Message: e.Message})
	}
	for _, one := range e.Problems {
		shown := problem.Error{Message: one.Message, Function: one.Function, Line: one.Line, Column: one.Column}
		if one.Module != "" {
			shown.Message = "module " + one.Module + ": " + one.Message
		}
		if one.HasOffset {
			shown.Offset = &one.Offset
		}
		p.Errors = append(p.Errors, shown)
	}
	return p
}

func moduleStatus(e *registry.Error) int {
	switch {
	case e.Reason == registry.Unknown:
		return http.StatusNotFound
	case e.Reason == registry.Busy:
		return http.StatusTooManyRequests
	case e.Reason == registry.Unavailable:
		return http.StatusServiceUnavailable
	case e.Reason == registry.Conflict, e.Limit == "modules":
		return http.StatusConflict
	case e.Reason == registry.Malformed:
		return http.StatusBadRequest
	case e.Limit == "moduleBytes", e.Limit == "configBytes":
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnprocessableEntity
}

// cut shortens a text of the caller's for a message.
func cut(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
