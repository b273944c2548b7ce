package conf

import (
	"fmt"
	"reflect"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Duration is a time span that is written as a number of seconds, 300 or 0.5, or with units, 5m.
type Duration time.Duration

// Value is the span.
func (d Duration) Value() time.Duration { return time.Duration(d) }

// String is the span with units.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText reads either form, for flags and environment variables.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// MarshalText writes the form with units.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// ParseDuration reads a number of seconds or a span with units; it is never negative.
func ParseDuration(text string) (time.Duration, error) { return backend.ParseDuration(text) }

var durationType = reflect.TypeFor[Duration]()

// durationHook lets YAML's numbers be durations in seconds.
func durationHook(from, to reflect.Type, value any) (any, error) {
	if to != durationType || from == durationType {
		return value, nil
	}
	return toDuration(value)
}

func toDuration(value any) (Duration, error) {
	d, err := ParseDuration(fmt.Sprint(value))
	return Duration(d), err
}
