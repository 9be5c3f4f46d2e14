package main

import (
	"errors"
	"testing"

	"orders-go/runnel"
)

const paid = `{"id": "o1", "customerId": "c1", "status": "PAID", "note": "ring twice"}`

func TestTheNoteIsForThoseWhoMaySeeIt(t *testing.T) {
	order, err := orderUpdated(runnel.NewEvent[Order](paid), runnel.NewContext("orders:note"))
	if err != nil || order.Note == nil || *order.Note != "ring twice" {
		t.Errorf("with the permission: %+v, %v", order, err)
	}
	order, err = orderUpdated(runnel.NewEvent[Order](paid), runnel.NewContext())
	if err != nil || order.Note != nil || order.ID != "o1" {
		t.Errorf("without: %+v, %v", order, err)
	}
}

func TestDraftsGoToNobody(t *testing.T) {
	draft := runnel.NewEvent[Order](`{"id": "o1", "customerId": "c1", "status": "DRAFT"}`)
	if _, err := orderUpdated(draft, runnel.NewContext("orders:note")); !errors.Is(err, runnel.Skip) {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNoOrderFails(t *testing.T) {
	if _, err := orderUpdated(runnel.NewEvent[Order](`{"id": "o1", "customerId": "c1"}`), runnel.NewContext()); err == nil || err.Error() != "event: status: missing" {
		t.Errorf("error %v", err)
	}
}
