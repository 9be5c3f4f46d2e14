package main

import (
	"fmt"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// checkJSON holds a text to what the server accepts as an event or as
// variables, so that a mistake is named by its place in the user's own text.
func checkJSON(what string, text []byte) error {
	_, err := parseJSON(what, text)
	return err
}

// checkObject is checkJSON for what has to be an object.
func checkObject(what, text string) error {
	kind, err := parseJSON(what, []byte(text))
	if err == nil && kind != jsondoc.Object {
		err = fmt.Errorf("%s: an object is needed, found %s", what, kind)
	}
	return err
}

func parseJSON(what string, text []byte) (jsondoc.Kind, error) {
	var d jsondoc.Document
	if err := d.Parse(text, jsondoc.Options{}); err != nil {
		return jsondoc.Null, fmt.Errorf("%s: %w", what, err)
	}
	return d.Nodes[0].Kind, nil
}
