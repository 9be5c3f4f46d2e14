package admin

import (
	"fmt"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Subscriptions lists and ends what is live. *broker.Broker does.
type Subscriptions interface {
	Subscriptions(t *tenant.Tenant, after broker.SubscriptionID, limit int) (list []broker.LiveSubscription, more bool)
	EndSubscription(t *tenant.Tenant, id broker.SubscriptionID) bool
}

type subscriptionAnswer struct {
	ID            string  `json:"id"`
	OperationName string  `json:"operationName"` // may be empty
	Field         string  `json:"field"`
	Subject       string  `json:"subject"` // may be empty
	Node          string  `json:"node"`
	Created       string  `json:"created"`
	LastDelivery  *string `json:"lastDelivery"` // null before there was one
	Delivered     uint32  `json:"delivered"`
	Dropped       uint32  `json:"dropped"`
}

type subscriptionsAnswer struct {
	Subscriptions []subscriptionAnswer `json:"subscriptions"`
	Next          string               `json:"next,omitempty"`
}

func (h *handler) describeSubscription(s *broker.LiveSubscription) subscriptionAnswer {
	return subscriptionAnswer{
		s.ID.String(), s.OperationName, s.Field, s.Subject, h.config.Node, timestamp(s.Created), optionalTimestamp(s.LastDelivery), s.Delivered, s.Dropped,
	}
}

func optionalTimestamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := timestamp(t)
	return &text
}

// listSubscriptions: GET …/subscriptions.
func (h *handler) listSubscriptions(w http.ResponseWriter, r *call) error {
	limit, text, err := pageOf(r)
	if err != nil {
		return err
	}
	after, ok := broker.ParseSubscriptionID(text)
	if !ok && text != "" {
		return badRequest(fmt.Sprintf("after must be what another page gave as next, not %q", cut(text)))
	}
	list, more := h.config.Subscriptions.Subscriptions(r.tenant, after, limit)
	answered := subscriptionsAnswer{Subscriptions: []subscriptionAnswer{}}
	for i := range list {
		answered.Subscriptions = append(answered.Subscriptions, h.describeSubscription(&list[i]))
	}
	if more {
		answered.Next = list[len(list)-1].ID.String()
	}
	return answer(w, http.StatusOK, answered)
}

// endSubscription: DELETE …/subscriptions/{subscription}.
func (h *handler) endSubscription(w http.ResponseWriter, r *call) error {
	id, ok := broker.ParseSubscriptionID(r.params["subscription"])
	if !ok || !h.config.Subscriptions.EndSubscription(r.tenant, id) {
		return notFound(fmt.Sprintf("the node %s has no live subscription of this id; GET …/subscriptions lists all", h.config.Node))
	}
	return noContent(w)
}
