package registry_test

import (
	"os"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
