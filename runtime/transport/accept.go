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
	typeStream  = "text/event-stream"
)

// accepted is what a client takes.
type accepted struct {
	response string // the media type of the response; empty where none of ours is acceptable
	stream   bool   // a subscription may be answered with an event stream
}

// plain is the media type of a response that is not a stream, whatever happens:
// of what keeps a stream from beginning.
func (a accepted) plain() string {
	if a.response == typeStream {
		return typeJSON
	}
	return a.response
}

// offers are the media types by which one is preferred where a wildcard leaves
// the choice.
var offers = [...]string{typeJSON, typeGraphQL, typeStream}

// mediaRange is one item of an Accept header.
type mediaRange struct {
	media   string // in lower case, with * for what is left open
	quality float64
}

// negotiate chooses the media type of the response as HTTP has it: each is as
// good as the most specific item that covers it, the best is taken, and of
// equals the one that is named, or named first. Without an Accept header that is
// application/json. An event stream must be named: no wildcard asks for one.
func negotiate(h http.Header) accepted {
	ranges, given := acceptedRanges(h)
	if !given {
		return accepted{response: typeJSON}
	}
	var best accepted
	var bestQuality float64
	var bestPlace place
	for _, offer := range offers {
		quality, at := qualityOf(offer, ranges)
		if quality == 0 {
			continue
		}
		if offer == typeStream {
			best.stream = true
		}
		if quality > bestQuality || quality == bestQuality && at.before(bestPlace) {
			best.response, bestQuality, bestPlace = offer, quality, at
		}
	}
	return best
}

// acceptedRanges reads the items that can be read. given is false where the
// client says nothing.
func acceptedRanges(h http.Header) (ranges []mediaRange, given bool) {
	for _, item := range strings.Split(strings.Join(h.Values("Accept"), ","), ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		given = true
		media, parameters, err := mime.ParseMediaType(item)
		if err != nil || !isUTF8(parameters) {
			continue
		}
		quality := 1.0
		if q, ok := parameters["q"]; ok {
			quality, err = strconv.ParseFloat(q, 64)
		}
		if err == nil && 0 <= quality && quality <= 1 {
			ranges = append(ranges, mediaRange{media, quality})
		}
	}
	return ranges, given
}

// place is where an item stands that covers a media type.
type place struct {
	wildcards int // of the item
	index     int
}

func (p place) before(other place) bool {
	if p.wildcards != other.wildcards {
		return p.wildcards < other.wildcards
	}
	return p.index < other.index
}

// qualityOf finds the most specific item that covers a media type, the first of
// several. The quality is 0 where there is none.
func qualityOf(media string, ranges []mediaRange) (quality float64, at place) {
	at.wildcards = 3
	for i, r := range ranges {
		here := place{wildcards: 3, index: i}
		switch {
		case r.media == media:
			here.wildcards = 0
		case media == typeStream:
		case r.media == "application/*":
			here.wildcards = 1
		case r.media == "*/*":
			here.wildcards = 2
		}
		if here.wildcards < at.wildcards {
			quality, at = r.quality, here
		}
	}
	return quality, at
}

// isUTF8 tells whether a media type's charset is UTF-8 or left open.
func isUTF8(parameters map[string]string) bool {
	charset, ok := parameters["charset"]
	return !ok || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
