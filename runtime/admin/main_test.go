package admin_test

import (
	"os"
	"os/signal"
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

// TestMain has the children that compile do nothing until they are killed.
func TestMain(m *testing.M) {
	if os.Getenv("RUNNEL_COMPILE_CHILD") != "" {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals)
		for range signals {
			continue
		}
	}
	sandbox.CompileMain()
	os.Exit(m.Run())
}
