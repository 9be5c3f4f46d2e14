package runtime_test

import (
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime"
)

func TestMain(m *testing.M) {
	runtime.CompileMain()
	os.Exit(m.Run())
}
