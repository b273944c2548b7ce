package rpc

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// The domain types and the messages name their fields alike: the JSON name of the one is the field
// name of the other. So one converter serves them all, and a field that only one side has is found at
// the first conversion, and by a test that converts every type.

// toProto fills message, a pointer to a generated struct, from value, a domain struct.
func toProto(value, message any) {
	v, m := reflect.ValueOf(value), reflect.ValueOf(message)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	for _, f := range fieldsOf(v.Type(), m.Type().Elem()) {
		encodeValue(v.Field(f.domain), m.Elem().Field(f.message))
	}
}

// fromProto fills value, a pointer to a domain struct, from message. A nil message leaves zeros.
func fromProto(message, value any) {
	m, v := reflect.ValueOf(message), reflect.ValueOf(value).Elem()
	if m.IsNil() {
		return
	}
	for _, f := range fieldsOf(v.Type(), m.Type().Elem()) {
		decodeValue(m.Elem().Field(f.message), v.Field(f.domain), f.always)
	}
}

// field pairs the fields of a domain struct and a message by their indexes.
type field struct {
	domain, message int
	always          bool // an empty list is shown as one, not left out
}

type typePair struct{ domain, message reflect.Type }

var pairs sync.Map // typePair -> []field

func fieldsOf(domain, message reflect.Type) []field {
	if known, ok := pairs.Load(typePair{domain, message}); ok {
		return known.([]field)
	}
	named := map[string]int{}
	for i := range message.NumField() {
		for _, option := range strings.Split(message.Field(i).Tag.Get("protobuf"), ",") {
			if name, ok := strings.CutPrefix(option, "name="); ok {
				named[name] = i
			}
		}
	}
	var fields []field
	for i := range domain.NumField() {
		name, options, _ := strings.Cut(domain.Field(i).Tag.Get("json"), ",")
		at, ok := named[name]
		if !ok {
			panic(fmt.Sprintf("rpc: %s has no field for %s.%s (%q)", message, domain, domain.Field(i).Name, name))
		}
		delete(named, name)
		fields = append(fields, field{i, at, !strings.Contains(options, "omitempty")})
	}
	if len(named) > 0 {
		panic(fmt.Sprintf("rpc: %s has fields that %s lacks: %v", message, domain, named))
	}
	pairs.Store(typePair{domain, message}, fields)
	return fields
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	faultType = reflect.TypeFor[*fault.Fault]()
	jsonType  = reflect.TypeFor[json.RawMessage]()
)

func encodeValue(v, m reflect.Value) {
	switch {
	case v.Type() == timeType:
		if t := v.Interface().(time.Time); !t.IsZero() {
			m.Set(reflect.ValueOf(timestamppb.New(t)))
		}
	case v.Type() == faultType:
		m.Set(reflect.ValueOf(encodeFault(v.Interface().(*fault.Fault))))
	case v.Type() == jsonType:
		m.SetBytes(v.Bytes())
	case v.Kind() == reflect.Pointer && v.IsNil():
	case v.Kind() == reflect.Pointer && v.Type().Elem() == timeType:
		encodeValue(v.Elem(), m)
	case v.Kind() == reflect.Pointer:
		m.Set(reflect.New(m.Type().Elem()))
		encodeInto(v.Elem(), m)
	case v.Kind() == reflect.Struct:
		m.Set(reflect.New(m.Type().Elem()))
		encodeInto(v, m)
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			return
		}
		m.Set(reflect.MakeSlice(m.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			encodeValue(v.Index(i), m.Index(i))
		}
	case v.Kind() == reflect.Map:
		if v.Len() == 0 {
			return
		}
		m.Set(reflect.MakeMapWithSize(m.Type(), v.Len()))
		for _, k := range v.MapKeys() {
			m.SetMapIndex(reflect.ValueOf(utf8(k.String())), reflect.ValueOf(utf8(v.MapIndex(k).String())))
		}
	case v.Kind() == reflect.String:
		m.SetString(utf8(v.String()))
	default:
		m.Set(v.Convert(m.Type()))
	}
}

// encodeInto fills the message behind the pointer m, or the value behind it, from v.
func encodeInto(v, m reflect.Value) {
	if v.Kind() == reflect.Struct {
		toProto(v.Interface(), m.Interface())
		return
	}
	encodeValue(v, m.Elem())
}

func decodeValue(m, v reflect.Value, always bool) {
	switch {
	case v.Type() == timeType:
		// A time that no calendar has, as below numbers that are none, would have no JSON form: neither the host could print
		// what it stands in, nor the service keep it.
		if t := m.Interface().(*timestamppb.Timestamp); t.IsValid() {
			v.Set(reflect.ValueOf(t.AsTime()))
		}
	case v.Type() == faultType:
		v.Set(reflect.ValueOf(decodeFault(m.Interface().(*backendv1.Fault))))
	case v.Type() == jsonType:
		if m.Len() > 0 {
			v.SetBytes(m.Bytes())
		}
	case v.Kind() == reflect.Pointer && m.IsNil():
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if v.Type().Elem() == timeType || v.Elem().Kind() != reflect.Struct {
			if v.Type().Elem() != timeType {
				m = m.Elem()
			}
			decodeValue(m, v.Elem(), always)
			return
		}
		fromProto(m.Interface(), v.Interface())
	case v.Kind() == reflect.Struct:
		fromProto(m.Interface(), v.Addr().Interface())
	case v.Kind() == reflect.Slice:
		if m.Len() == 0 && !always {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), m.Len(), m.Len()))
		for i := range m.Len() {
			decodeValue(m.Index(i), v.Index(i), always)
		}
	case v.Kind() == reflect.Map:
		if m.Len() == 0 {
			return
		}
		v.Set(reflect.MakeMapWithSize(v.Type(), m.Len()))
		for _, k := range m.MapKeys() {
			v.SetMapIndex(k, m.MapIndex(k))
		}
	case v.Kind() == reflect.Float64:
		if number := m.Float(); !math.IsNaN(number) && !math.IsInf(number, 0) {
			v.SetFloat(number)
		}
	default:
		v.Set(m.Convert(v.Type()))
	}
}

// utf8 keeps a stray byte in a name or a log line from failing the whole message.
func utf8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
