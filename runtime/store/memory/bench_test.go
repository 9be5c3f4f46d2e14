package memory_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
)

// BenchmarkUpdate changes a record of one tenant among many.
func BenchmarkUpdate(b *testing.B) {
	for _, tenants := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(tenants), func(b *testing.B) {
			s, ctx := memory.New(), context.Background()
			put := func(tenant string) func(store.Tx) error {
				return func(tx store.Tx) error { return tx.Put(store.Modules, tenant, "orders", []byte("{}")) }
			}
			err := s.Update(ctx, "", func(tx store.Tx) error {
				for i := range tenants {
					if err := put(fmt.Sprint("t", i))(tx); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			change := put("t7")
			for b.Loop() {
				if err := s.Update(ctx, "t7", change); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
