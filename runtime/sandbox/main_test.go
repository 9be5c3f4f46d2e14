package sandbox_test

import (
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime/sandbox"
)

const unwatchedVariable = "RUNNEL_TEST_UNWATCHED"

// unwatched is what children do that do not watch themselves, by the value of the
// variable: until something else ends them.
var unwatched = map[string]func() error{}

func TestMain(m *testing.M) {
	if work := unwatched[os.Getenv(unwatchedVariable)]; work != nil {
		sandbox.UnwatchedChild(work)
	}
	sandbox.CompileMain()
	os.Exit(m.Run())
}
