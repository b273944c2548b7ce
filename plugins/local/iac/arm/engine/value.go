package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// decode reads one JSON value. Numbers keep their digits; a member that is there twice is an error.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decodeNext(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the end")
	}
	return v, nil
}

func decodeNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			if _, ok := object[name]; ok {
				return nil, fmt.Errorf("the member %q is there twice", name)
			}
			object[name] = v
		}
		_, err := d.Token()
		return object, err
	}
	return token, nil
}

// value evaluates a JSON value with all that is in it, names of members too.
func (e *evaluation) value(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return e.text(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			item, err := e.value(v[i])
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			if _, isList := item.([]any); isList && strings.EqualFold(key, "copy") {
				return nil, errors.New("a list that is named copy is a loop")
			}
			name, err := e.atStart(key)
			if err != nil {
				return nil, err
			}
			text, ok := name.(string)
			if !ok {
				return nil, fmt.Errorf("the name %s gives no string", key)
			}
			evaluated, err := e.value(item)
			if err != nil {
				return nil, err
			}
			if _, ok := object[text]; ok {
				return nil, fmt.Errorf("the member %q is there twice", text)
			}
			object[text] = evaluated
		}
		return object, nil
	}
	return v, nil
}
