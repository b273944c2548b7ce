package jobs

import (
	"bytes"
	"encoding/json"
)

// Unknown is what a JSON object had that this program has no field for: a later version wrote it. It is kept, and written again where it
// was, so that versions can work on the same jobs while a cluster is upgraded.
type Unknown struct {
	Members  map[string]any      // whole
	Below    map[string]*Unknown // in members that are known
	Elements map[int]*Unknown    // in elements of an array
}

// UnmarshalJSON implements json.Unmarshaler: what has no field goes to Unknown.
func (r *Record) UnmarshalJSON(b []byte) error {
	type plain Record
	*r = Record{}
	strict := json.NewDecoder(bytes.NewReader(b))
	strict.DisallowUnknownFields()
	if strict.Decode((*plain)(r)) == nil {
		return nil
	}
	*r = Record{}
	if err := json.Unmarshal(b, (*plain)(r)); err != nil {
		return err
	}
	again, err := json.Marshal((*plain)(r))
	if err != nil {
		return err
	}
	all, err := tree(b)
	if err != nil {
		return err
	}
	known, err := tree(again)
	if err == nil {
		r.Unknown = without(all, known)
	}
	return err
}

// MarshalJSON implements json.Marshaler: with what Unknown has.
func (r Record) MarshalJSON() ([]byte, error) {
	type plain Record
	b, err := json.Marshal(plain(r))
	if err != nil || r.Unknown == nil {
		return b, err
	}
	all, err := tree(b)
	if err != nil {
		return nil, err
	}
	r.Unknown.addTo(all)
	return json.Marshal(all)
}

// tree reads any JSON, and keeps numbers as they are written.
func tree(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// without is what of a value is not in what is known of it; nil is nothing.
func without(all, known any) *Unknown {
	u := &Unknown{Members: map[string]any{}, Below: map[string]*Unknown{}, Elements: map[int]*Unknown{}}
	switch all := all.(type) {
	case map[string]any:
		known, _ := known.(map[string]any)
		for name, value := range all {
			have, is := known[name]
			if !is {
				u.Members[name] = value
			} else if below := without(value, have); below != nil {
				u.Below[name] = below
			}
		}
	case []any:
		known, _ := known.([]any)
		for i := range min(len(all), len(known)) {
			if below := without(all[i], known[i]); below != nil {
				u.Elements[i] = below
			}
		}
	}
	if len(u.Members)+len(u.Below)+len(u.Elements) == 0 {
		return nil
	}
	return u
}

// addTo puts what is unknown back, where what it was in is still there.
func (u *Unknown) addTo(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range u.Members {
			if _, is := v[name]; !is {
				v[name] = value
			}
		}
		for name, below := range u.Below {
			below.addTo(v[name])
		}
	case []any:
		for i, below := range u.Elements {
			if i < len(v) {
				below.addTo(v[i])
			}
		}
	}
}
