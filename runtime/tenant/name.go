package tenant

import "fmt"

// MaxNameBytes bounds tenant ids and module names.
const MaxNameBytes = 63

// ValidName reports whether s can be a tenant id or a module name: 1 to 63 of
// the characters a-z 0-9 and -.
func ValidName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '-' {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= MaxNameBytes
}

// invalidName quotes no more of the name than a valid one could have.
func invalidName(s string) error {
	if len(s) > MaxNameBytes {
		return fmt.Errorf("%w: a name of %d bytes, the most is %d", ErrInvalidName, len(s), MaxNameBytes)
	}
	return fmt.Errorf("%w: %q is not 1 to %d of the characters a-z 0-9 -", ErrInvalidName, s, MaxNameBytes)
}
