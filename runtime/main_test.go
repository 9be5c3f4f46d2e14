package runtime_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	runtime.CompileMain()
	if what := os.Getenv(busyVariable); what != "" {
		fmt.Fprintln(os.Stderr, anotherMain(what))
		os.Exit(1)
	}
	if many := os.Getenv(crowdVariable); many != "" {
		if err := serveCrowd(many); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := postgrestest.Run(m)
	if err := redistest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
