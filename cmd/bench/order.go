//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// order is a published event. Its payload has just the five fields that all
// subscriptions select, in that order, and numbers that all servers print alike.
type order struct {
	payload   []byte
	customer  int
	published time.Time // when its request was sent
}

// everyone is the customer of whose orders all are told, and of subscriptions that
// name none.
const everyone = -1

// selection is what subscriptions select of an order.
const selection = "id customerId status total sentAt"

// orderHead is how every order begins, up to its number.
const orderHead = `{"id":"o-`

var statuses = [...]string{"PAID", "PACKED", "SHIPPED", "RETURNED"}

func newOrder(number, customer int, status string) order {
	if status == "" {
		status = statuses[number%len(statuses)]
	}
	return order{
		payload: fmt.Appendf(nil, `%s%d","customerId":%q,"status":%q,"total":%d.25,"sentAt":%d.5}`,
			orderHead, number, customerID(customer), status, 10+number%90, 1000+number%1000),
		customer: customer,
	}
}

func customerID(customer int) string {
	if customer == everyone {
		return "everyone"
	}
	return fmt.Sprintf("c-%d", customer)
}

// subscribeMessage subscribes to the orders of a customer, or to all.
func subscribeMessage(id string, customer int) []byte {
	field := "orderUpdated"
	if customer != everyone {
		field = fmt.Sprintf("orderUpdated(customerId: %q)", customerID(customer))
	}
	message, err := json.Marshal(map[string]any{
		"id": id, "type": "subscribe", "payload": map[string]string{"query": "subscription { " + field + " { " + selection + " } }"},
	})
	if err != nil {
		panic(err)
	}
	return message
}
