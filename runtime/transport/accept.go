package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types of responses.
const (
	typeGraphQL = "application/graphql-response+json"
	typeJSON    = "application/json"
)

// negotiate chooses the media type of the response: the one of highest quality
// that the client accepts, and of equals the first. Without an Accept header,
// and for a wildcard, that is application/json. It is empty where nothing is
// acceptable.
func negotiate(h http.Header) string {
	values := h.Values("Accept")
	if len(values) == 0 {
		return typeJSON
	}
	best, bestQuality := "", 0.0
	for _, item := range strings.Split(strings.Join(values, ","), ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		name, quality := acceptable(item)
		if name != "" && quality > bestQuality {
			best, bestQuality = name, quality
		}
	}
	return best
}

// acceptable reads one item of an Accept header; name is empty where it cannot
// be served.
func acceptable(item string) (name string, quality float64) {
	media, parameters, err := mime.ParseMediaType(item)
	if err != nil || !isUTF8(parameters) {
		return "", 0
	}
	quality = 1
	if q, ok := parameters["q"]; ok {
		if quality, err = strconv.ParseFloat(q, 64); err != nil {
			return "", 0
		}
	}
	switch media {
	case typeGraphQL:
		return typeGraphQL, quality
	case typeJSON, "application/*", "*/*":
		return typeJSON, quality
	}
	return "", 0
}

// isUTF8 tells whether a media type's charset is UTF-8 or left open.
func isUTF8(parameters map[string]string) bool {
	charset, ok := parameters["charset"]
	return !ok || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
