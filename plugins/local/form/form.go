// Package form tells what a text is by its form.
package form

// IsGUID says that a text is a GUID as Azure writes them: 8-4-4-4-12 hexadecimal digits of either case, without braces.
func IsGUID[T ~string | ~[]byte](text T) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}
