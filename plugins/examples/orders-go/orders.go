// Live orders: drafts go to nobody, and the note only to those who may see it.
package main

import "orders-go/runnel"

// Order is the type of schema.graphql.
type Order struct {
	ID         runnel.ID `json:"id"`
	CustomerID runnel.ID `json:"customerId"`
	Status     string    `json:"status"`
	Total      *float64  `json:"total"`
	SentAt     *float64  `json:"sentAt"`
	Note       *string   `json:"note"`
}

// Which orders reach a subscriber is declared in the schema; what they see of
// them is decided here.
func orderUpdated(event runnel.Event[Order], context runnel.Context) (*Order, error) {
	order, err := event.Read()
	if err != nil {
		return nil, err
	}
	if order.Status == "DRAFT" {
		return nil, runnel.Skip
	}
	if !context.Permitted("orders:note") {
		order.Note = nil
	}
	return order, nil
}

var resolver = runnel.Subscription(orderUpdated)

//go:wasmexport Subscription.orderUpdated
func export() int32 { return resolver() }

func main() {} // never called: the module is a library
