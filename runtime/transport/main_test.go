package transport_test

import (
	"os"
	"testing"
)

// TestMain also runs this program as the clients of BenchmarkBroadcast.
func TestMain(m *testing.M) {
	if os.Getenv(drainVariable) != "" {
		drain()
		return
	}
	os.Exit(m.Run())
}
