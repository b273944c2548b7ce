package azure

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Members hands out the members of a JSON object, as Column has them; each is valid as long as the object is.
func Members(object []byte, member func(Column) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true))
	return members(d, func(name []byte) error {
		// The name stands in the object's bytes, which reading the value leaves alone.
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		return member(Column{name, value})
	})
}

// Elements hands out the elements of a JSON array, each valid as long as the array is.
func Elements(array []byte, element func(jsontext.Value) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(array), jsontext.AllowDuplicateNames(true))
	return elements(d, func() error {
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		return element(value)
	})
}
