package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// unordered are the members of introspection whose order is not specified.
var unordered = []string{"types", "possibleTypes"}

// normal writes JSON so that equal values are equal texts. The order of keys
// counts. Numbers are compared as doubles, which JSON.parse makes of all of
// them; one that none holds is null, as JSON.stringify writes it.
func normal(text string) string {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	value, err := normalValue(decoder)
	if err != nil {
		return fmt.Sprintf("%s: %v", text, err)
	}
	return value
}

func normalValue(decoder *json.Decoder) (string, error) {
	token, err := decoder.Token()
	if err != nil {
		return "", err
	}
	switch token := token.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(string(token), 64)
		if err != nil {
			return "null", nil
		}
		return strconv.FormatFloat(f+0, 'g', -1, 64), nil
	case json.Delim:
		parts, keys, err := normalParts(decoder, token == '{')
		if token == '[' {
			return "[" + strings.Join(parts, ",") + "]", err
		}
		for i, key := range keys {
			if slices.Contains(unordered, key) {
				parts[i] = sortedList(parts[i])
			}
			parts[i] = strconv.Quote(key) + ":" + parts[i]
		}
		return "{" + strings.Join(parts, ",") + "}", err
	case string:
		return strconv.Quote(token), nil
	case nil:
		return "null", nil
	}
	return fmt.Sprint(token), nil
}

func normalParts(decoder *json.Decoder, object bool) (parts, keys []string, err error) {
	for decoder.More() {
		if object {
			key, err := decoder.Token()
			if err != nil {
				return nil, nil, err
			}
			keys = append(keys, key.(string))
		}
		part, err := normalValue(decoder)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	_, err = decoder.Token()
	return parts, keys, err
}

// sortedList sorts a list of flat objects.
func sortedList(list string) string {
	items := strings.Split(strings.Trim(list, "[]"), "},{")
	for i := range items {
		items[i] = strings.Trim(items[i], "{}")
	}
	slices.Sort(items)
	return strings.Join(items, "|")
}
