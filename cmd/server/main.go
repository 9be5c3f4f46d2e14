// Command runnel-server serves Runnel: GraphQL subscriptions whose resolvers
// are WebAssembly modules that tenants upload.
package main

import (
	"context"
	"os"
	"os/signal"
	goruntime "runtime"
	"syscall"

	"github.com/runnel-dev/runnel/runtime"
)

func main() {
	runtime.CompileMain()
	// At least two, so that one is left to serve sockets while guests run. To set
	// them also keeps Go from taking some away where a container's quota shrinks:
	// how many may run guests is decided once.
	goruntime.GOMAXPROCS(max(2, goruntime.GOMAXPROCS(0)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // who tells it again does not wait
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
