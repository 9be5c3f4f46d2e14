package graph

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// object is a JSON object with its members in the order of the text, those of
// one name, too.
type object []objectMember

type objectMember struct {
	name  string
	value any
}

// member returns the value of the last member of a name, or nil.
func (o object) member(name string) (value any) {
	for _, m := range o {
		if m.name == name {
			value = m.value
		}
	}
	return value
}

// decodeOutput decodes what a resolver may give: strict JSON with up to 64 levels.
func decodeOutput(text string) (value any, ok bool) {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) || hasLoneSurrogate(text) {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	value, err := decodeValue(decoder, 64)
	return value, err == nil
}

func decodeValue(d *json.Decoder, levels int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if levels == 0 {
		return nil, errors.New("too many levels")
	}
	list, members := []any{}, object{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			members = append(members, objectMember{name: name.(string)})
		}
		value, err := decodeValue(d, levels-1)
		if err != nil {
			return nil, err
		}
		if delim == '{' {
			members[len(members)-1].value = value
		}
		list = append(list, value)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if delim == '{' {
		return members, nil
	}
	return list, nil
}

// escapes finds the escaped backslashes, the pairs of surrogates, and the
// surrogates that are left.
var escapes = regexp.MustCompile(`\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..`)

func hasLoneSurrogate(text string) bool {
	for _, match := range escapes.FindAllString(text, -1) {
		if len(match) == len(`\ud800`) {
			return true
		}
	}
	return false
}

// encode is the opposite of decodeOutput.
func encode(value any) string {
	var parts []string
	switch value := value.(type) {
	case object:
		for _, m := range value {
			parts = append(parts, encode(m.name)+":"+encode(m.value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		for _, v := range value {
			parts = append(parts, encode(v))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
