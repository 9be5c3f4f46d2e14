package sandbox_test

import (
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.CompileMain()
	os.Exit(m.Run())
}
