package registry_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := postgrestest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
