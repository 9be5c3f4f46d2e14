package tenant_test

import (
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestValidName(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "0": true, "-": true, "acme-2": true, strings.Repeat("a", 63): true,
		"": false, strings.Repeat("a", 64): false, "Acme": false, "a_b": false, "a/b": false, "a.b": false, "é": false, "a\x00": false, "{": false, "`": false,
	} {
		if got := tenant.ValidName(s); got != want {
			t.Errorf("ValidName(%q) = %t", s, got)
		}
	}
}
