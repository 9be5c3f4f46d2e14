//go:build !wasip1

package runnel

// Off the server there is no host: tests call resolvers with NewEvent and
// NewContext.
const offServer = "runnel: there is no server to ask; build with GOOS=wasip1 GOARCH=wasm"

func event() ([]byte, bool) { panic(offServer) }
func permitted(string) bool { panic(offServer) }
func output([]byte)         { panic(offServer) }
func fail([]byte)           { panic(offServer) }
