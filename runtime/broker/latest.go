package broker

import (
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// latestKey is the key of a delivery that stands for an event: of the field's @on
// with overflow: LATEST for the event's channel. It is empty where that has another overflow.
//
// Keys of two channels differ, since nothing is promised about events across
// channels. A value is compared as by @match, but that objects and arrays have
// their text; null counts as missing.
func latestKey(f *graph.RootField, channel string, payload *jsondoc.Document) string {
	for i := range f.Channels {
		if c := &f.Channels[i]; c.Name == channel && c.Overflow == graph.Latest {
			return string(appendKey(append([]byte(channel), keyMissing), payload, c.Key))
		}
	}
	return ""
}

// Behind the channel, which has neither, there is keyMissing, and behind it an
// element of the index or keyText with a text, where there is a value.
const keyMissing, keyText = ' ', '='

func appendKey(dst []byte, payload *jsondoc.Document, path []string) []byte {
	if path == nil {
		return dst
	}
	n, ok := find(payload, path)
	if !ok || payload.Nodes[n].Kind == jsondoc.Null {
		return dst
	}
	if key, ok := appendElement(dst, payload, n); ok {
		return key
	}
	return append(append(dst, keyText), payload.Raw(n)...)
}
