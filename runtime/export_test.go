package runtime

// Serve gives a request to a handler of the server's.
var Serve = serve
