package docs

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
)

// keys are the rows of a configuration's keys: name, default, what it means.
type keys struct {
	comments comments
	names    map[string]string // of what a map is by: backends is by NAME
	skip     map[string]bool   // maps whose values have the keys of the whole
	rows     [][]string
}

// of adds the keys of a struct, whose own key is prefix, with a dot behind it unless it is the whole.
func (k *keys) of(t reflect.Type, prefix string, defaults any) {
	values, _ := defaults.(map[string]any)
	for f := range t.Fields() {
		if f.Anonymous {
			k.of(f.Type, prefix, defaults)
			continue
		}
		key := prefix + f.Tag.Get("koanf")
		meaning := prose(k.comments.fields[t.Name()][f.Name])
		value := values[f.Tag.Get("koanf")]
		switch {
		case f.Type.Kind() == reflect.Struct:
			if meaning != "" {
				k.rows = append(k.rows, []string{ticked(key), "", meaning})
			}
			k.of(f.Type, key+".", value)
		case f.Type.Kind() == reflect.Map && f.Type.Elem().Kind() == reflect.Struct:
			k.rows = append(k.rows, []string{ticked(key), "", meaning})
			if !k.skip[key] {
				k.of(f.Type.Elem(), key+"."+k.names[key]+".", nil)
			}
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			k.rows = append(k.rows, []string{ticked(key), "", meaning})
			k.of(f.Type.Elem(), key+"[].", nil)
		default:
			k.rows = append(k.rows, []string{ticked(key), shown(f, value), meaning})
		}
	}
}

// shown is a default as one would write it, and zero values of what has none as what they are.
func shown(f reflect.StructField, value any) string {
	switch v := value.(type) {
	case nil:
		switch {
		case f.Type == reflect.TypeFor[conf.Duration]() || f.Type.Kind() == reflect.Int || f.Type.Kind() == reflect.Int64:
			return "`0`"
		case f.Type.Kind() == reflect.Bool:
			return "`false`"
		}
		return ""
	case int:
		if strings.HasSuffix(f.Tag.Get("koanf"), "_bytes") && v > 0 && v%(1<<20) == 0 {
			return fmt.Sprintf("`%d` (%d MiB)", v, v>>20)
		}
	case []any:
		return "`[]`"
	}
	return ticked(fmt.Sprint(value))
}
