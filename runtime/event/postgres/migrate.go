package postgres

import (
	"embed"

	"github.com/runnel-dev/runnel/runtime/database"
)

//go:embed migrations/*.sql
var files embed.FS

var migrations = database.Migrations{Files: files, Table: "runnel.event_migrations", What: "the events in the schema runnel"}
