package token_test

import (
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

// BenchmarkVerify is what it costs that a subscriber connects.
func BenchmarkVerify(b *testing.B) {
	k := newKeys()
	for _, algorithm := range tenant.Algorithms() {
		s := newStage(b, token.Config{}, k.by(algorithm))
		good := k.issue(algorithm, `"sub":"u1","permissions":["orders:read","orders:note"]`)
		b.Run(algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.verifier.Verify(b.Context(), s.tenant, "Bearer "+good); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
