// Package conf merges layers of configuration, checks them strictly against a Go struct, and knows
// where each value came from. It knows no key of atg: the host, the service and the programs bring
// their own structs.
//
// A struct names its keys with `koanf:"name"` tags. Fields are strings, booleans, numbers, Durations,
// lists of strings, structs, maps of these, and map[string]any for what somebody else checks.
package conf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// delimiter separates the names in a dotted key.
const delimiter = "."

// Layer is one source of values. Later layers of a Merge win over earlier ones.
type Layer struct {
	Values map[string]any            // nested, as YAML would give them
	Source func(key string) string   // where the value of a dotted key came from, for people
	At     func(key string) Position // where it stands in a file; nil for other layers
}

// Set gives a layer the value of a dotted key.
func (l *Layer) Set(key string, value any) {
	if l.Values == nil {
		l.Values = map[string]any{}
	}
	names := strings.Split(key, delimiter)
	at := l.Values
	for _, name := range names[:len(names)-1] {
		next, ok := at[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[name] = next
		}
		at = next
	}
	at[names[len(names)-1]] = value
}

// Merged is what the layers say together.
type Merged struct {
	k      *koanf.Koanf
	layers []Layer
	each   []*koanf.Koanf
}

// Merge puts the layers over one another. Maps merge; anything else is replaced.
func Merge(layers ...Layer) (*Merged, error) {
	m := &Merged{k: koanf.New(delimiter), layers: layers}
	for _, l := range layers {
		one := koanf.New(delimiter)
		if err := one.Load(confmap.Provider(l.Values, ""), nil); err != nil {
			return nil, fmt.Errorf("merge the configuration: %w", err)
		}
		if err := m.k.Merge(one); err != nil {
			return nil, fmt.Errorf("merge the configuration: %w", err)
		}
		m.each = append(m.each, one)
	}
	return m, nil
}

// Decode fills target, a pointer to a struct, with what Check has passed.
func (m *Merged) Decode(target any) error {
	return m.k.UnmarshalWithConf("", target, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: target, TagName: "koanf", ErrorUnused: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(durationHook, mapstructure.TextUnmarshallerHookFunc()),
	}})
}

// Keys are the dotted keys that have a value, sorted.
func (m *Merged) Keys() []string {
	keys := m.k.Keys()
	slices.Sort(keys)
	return keys
}

// Get is the value of a dotted key, nil if there is none.
func (m *Merged) Get(key string) any { return m.k.Get(key) }

// Source says where the value of a dotted key came from; empty if it has none.
func (m *Merged) Source(key string) string {
	for i := len(m.layers) - 1; i >= 0; i-- {
		if m.each[i].Exists(key) {
			return m.layers[i].Source(key)
		}
	}
	return ""
}

// At is where the value of a dotted key stands in a file; zero if it came from elsewhere.
func (m *Merged) At(key string) Position {
	for i := len(m.layers) - 1; i >= 0; i-- {
		if m.each[i].Exists(key) {
			if m.layers[i].At == nil {
				return Position{}
			}
			return m.layers[i].At(key)
		}
	}
	return Position{}
}
