// Command runnel-server serves Runnel: GraphQL subscriptions whose resolvers
// are WebAssembly modules that tenants upload.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/runnel-dev/runnel/runtime"
)

func main() {
	runtime.CompileMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
