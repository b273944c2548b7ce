// Package secret has a string that hides itself wherever values are printed by accident: in logs,
// errors, JSON, YAML and every fmt verb. Only Reveal gives it away, so that its uses can be found.
package secret

import (
	"fmt"
	"log/slog"
)

// Redacted is what appears in place of a secret.
const Redacted = "[redacted]"

// String is a secret text. Its zero value is "no secret" and prints as nothing.
//
// The text stands behind a pointer, because fmt prints unexported fields without asking the
// methods of their types; of a pointer it shows the address alone.
type String struct{ value *string }

// New keeps value secret.
func New(value string) String {
	if value == "" {
		return String{}
	}
	return String{&value}
}

// Reveal returns the secret itself. Call it only where the secret is used.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says that there is no secret.
func (s String) IsZero() bool { return s.value == nil }

// Equal compares two secrets.
func (s String) Equal(other String) bool { return s.Reveal() == other.Reveal() }

// String is Redacted, or empty if there is no secret.
func (s String) String() string {
	if s.IsZero() {
		return ""
	}
	return Redacted
}

// Format redacts under every verb, %#v and %x included.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue redacts in slog.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText redacts in JSON, YAML and other encodings.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret from configuration.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
