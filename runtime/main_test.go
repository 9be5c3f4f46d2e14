package runtime_test

import (
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	runtime.CompileMain()
	os.Exit(postgrestest.Run(m))
}
