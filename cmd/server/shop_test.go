package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutationEventSubscription places orders over HTTP while others wait for
// them on a socket: the event that the mutation publishes is delivered, and a
// field with a resolver of its own is there in both responses.
func TestMutationEventSubscription(t *testing.T) {
	p := start(t)
	p.createTenant("acme", "{}")
	p.push("acme", "shop", example(t, "shop-rust"))
	s := p.dial("acme", "{}")
	s.subscribe(map[string]string{
		"all":   "subscription { orderPlaced { id sku quantity placedAt customer { name } } }",
		"grace": `subscription { orderPlaced(customerId: "c2") { sku } }`,
	})
	place := func(customer, sku string, quantity int) string {
		t.Helper()
		return p.query("acme", fmt.Sprintf(`mutation { placeOrder(id: "o1", customerId: %q, sku: %q, quantity: %d) { id sku quantity placedAt customer { name } } }`, customer, sku, quantity))
	}
	for n, module := range []string{"shop-rust", "shop-assemblyscript"} {
		if n > 0 { // the subscriptions stay
			p.push("acme", "shop", example(t, module))
		}
		placed := place("c1", "tea", 1)
		if !strings.Contains(placed, `"sku":"tea","quantity":1`) || !strings.Contains(placed, `"customer":{"name":"Ada"}`) {
			t.Fatalf("%s placed %s", module, placed)
		}
		// What is delivered is what was placed, time included.
		s.next("all", strings.Replace(placed, "placeOrder", "orderPlaced", 1))

		// What fails publishes nothing: the next order is the next event.
		if refused := place("c2", "tea", 0); !strings.Contains(refused, `"message":"order one or more"`) {
			t.Errorf("%s answered an order of nothing with %s", module, refused)
		}
		place("c2", "cups", 2)
		s.next("grace", `{"data":{"orderPlaced":{"sku":"cups"}}}`)
		if m := s.await("all"); !strings.Contains(string(m.Payload), `"customer":{"name":"Grace"}`) {
			t.Errorf("%s delivered %s", module, m.Payload)
		}

		// An unknown customer is an error of that field alone, wherever it is asked for.
		for _, response := range []string{place("c9", "pot", 1), string(s.await("all").Payload)} {
			var got struct {
				Data   map[string]map[string]any
				Errors []struct {
					Message string
					Path    []any
				}
			}
			if err := json.Unmarshal([]byte(response), &got); err != nil || len(got.Errors) != 1 {
				t.Fatalf("%s: %s, %v", module, response, err)
			}
			for field, order := range got.Data {
				path := fmt.Sprint(got.Errors[0].Path)
				if order["sku"] != "pot" || order["customer"] != nil || path != fmt.Sprintf("[%s customer]", field) || got.Errors[0].Message != "no such customer" {
					t.Errorf("%s: %s", module, response)
				}
			}
		}
	}
}

// example returns an example module as built.
func example(t *testing.T, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join("..", "..", "plugins", "examples", name, name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}
