// Package postgres keeps events in a PostgreSQL database, 15 or later, in the
// schema runnel: an outbox that back-ends publish to in the transaction of their
// change. The SQL is in migrations.
package postgres
