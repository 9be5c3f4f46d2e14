package admin

import (
	_ "embed"
	"net/http"

	"github.com/runnel-dev/runnel/runtime/response"
)

// openAPI is the OpenAPI document, which TestOpenAPI generates from the table of
// routes and the Go types of their bodies.
//
//go:embed openapi.json
var openAPI []byte

// ServeOpenAPI answers with the OpenAPI document of /v1. It asks for no token:
// the document says nothing of what this server has.
func ServeOpenAPI(w http.ResponseWriter, _ *http.Request) {
	response.Write(w, http.StatusOK, typeJSON, openAPI)
}
