package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of the parameter limit.
const (
	defaultPage = 100
	maxPage     = 1000
)

// pageOf reads the parameters of a list: at most so many items, after that one.
func pageOf(r *call) (limit int, after string, err error) {
	query := r.URL.Query()
	limit = defaultPage
	if query.Has("limit") {
		text := query.Get("limit")
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return 0, "", badRequest(fmt.Sprintf("limit must be a whole number from 1 to %d, not %q", maxPage, cut(text)))
		}
	}
	return limit, query.Get("after"), nil
}

// page returns the part of a list that a request asks for, and where the next
// begins; empty where it is the last. The list is in the order of its keys.
func page[T any](r *call, list []T, key func(T) string) (part []T, next string, err error) {
	limit, after, err := pageOf(r)
	if err != nil {
		return nil, "", err
	}
	start, found := slices.BinarySearchFunc(list, after, func(item T, after string) int { return strings.Compare(key(item), after) })
	if found {
		start++
	}
	part = list[start:]
	if len(part) > limit {
		part = part[:limit]
		next = key(part[limit-1])
	}
	return part, next, nil
}
