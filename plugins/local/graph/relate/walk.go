package relate

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
)

// maxID is how long an ARM id may be at most: Azure's own limits leave it far below.
const maxID = 2048

// walk finds the texts of a JSON document that may name something. What is no JSON ends it early: rows hold what Azure sent.
type walk struct {
	decoder *jsontext.Decoder
	buffer  bytes.Buffer
	path    []byte // of the value that is read
	found   func(path []byte, value []byte, isName bool)
	opened  func()          // an object begins
	closed  func(id string) // it ends; id is its member id
}

// document walks a document whose path is prefix.
func (w *walk) document(prefix string, document []byte) {
	if len(document) == 0 {
		return
	}
	w.buffer.Reset()
	w.buffer.Write(document)
	w.path = append(w.path[:0], prefix...)
	if w.decoder == nil {
		w.decoder = jsontext.NewDecoder(&w.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	} else {
		w.decoder.Reset(&w.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	}
	_ = w.value()
}

// value reads the value at the path.
func (w *walk) value() error {
	switch w.decoder.PeekKind() {
	case '{':
		return w.object()
	case '[':
		if _, err := w.decoder.ReadToken(); err != nil {
			return err
		}
		at := len(w.path)
		w.path = append(w.path, "[]"...)
		for w.decoder.PeekKind() != ']' {
			if err := w.value(); err != nil {
				return err
			}
		}
		w.path = w.path[:at]
		_, err := w.decoder.ReadToken()
		return err
	case '"':
		raw, err := w.decoder.ReadValue()
		if err != nil {
			return err
		}
		if text, ok := interesting(raw); ok {
			w.found(w.path, text, false)
		}
		return nil
	}
	_, err := w.decoder.ReadValue()
	return err
}

func (w *walk) object() error {
	if _, err := w.decoder.ReadToken(); err != nil {
		return err
	}
	w.opened()
	at, own := len(w.path), ""
	for w.decoder.PeekKind() != '}' {
		raw, err := w.decoder.ReadValue()
		if err != nil {
			return err
		}
		name, named := interesting(raw)
		if named {
			w.found(w.path, name, true)
		} else {
			name = raw[1 : len(raw)-1]
			if len(w.path) > 0 {
				w.path = append(w.path, '.')
			}
			w.path = append(w.path, name...)
		}
		if own == "" && len(name) == 2 && string(name) == "id" && w.decoder.PeekKind() == '"' {
			if raw, err = w.decoder.ReadValue(); err == nil {
				if text, ok := interesting(raw); ok {
					own = string(text)
					w.found(w.path, text, false)
				}
			}
		} else {
			err = w.value()
		}
		if err != nil {
			return err
		}
		w.path = w.path[:at]
	}
	w.closed(own)
	_, err := w.decoder.ReadToken()
	return err
}

// interesting says whether a JSON string may name something, and answers it without quotes and escapes.
func interesting(raw []byte) (text []byte, ok bool) {
	text = raw[1 : len(raw)-1]
	if len(text) < 8 || len(text) > 4*maxID {
		return nil, false
	}
	switch {
	case text[0] == '/', text[0] == '\\' && text[1] == '/', bytes.Contains(text, []byte("://")), bytes.Contains(text, []byte(`:\/\/`)):
	case form.IsGUID(text):
		return text, true
	case bytes.HasPrefix(text, []byte("@Microsoft.KeyVault(")), bytes.HasPrefix(text, []byte("hidden-link:")):
	default:
		return nil, false
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return nil, false
		}
		return unquoted, true
	}
	return text, true
}

// armID answers the ARM id that a text is, or that an address of Resource Manager names, without what may stand behind it.
func armID(text string) (id string, ok bool) {
	if at := strings.Index(text, "://"); at >= 0 && at < 8 {
		rest := text[at+3:]
		slash := strings.IndexByte(rest, '/')
		if slash < 0 || !strings.HasPrefix(strings.ToLower(rest), "management.") {
			return "", false
		}
		text = rest[slash:]
	}
	if end := strings.IndexAny(text, "?#"); end >= 0 {
		text = text[:end]
	}
	text = strings.TrimRight(text, "/")
	if len(text) > maxID || !beginsWith(text, "/subscriptions/") && !beginsWith(text, "/providers/") {
		return "", false
	}
	segments := strings.Count(text, "/")
	switch {
	case beginsWith(text, "/providers/") && segments < 4: // /providers/NAMESPACE/TYPE/NAME
		return "", false
	case strings.ContainsAny(text, "\x00\n\r\t*{}") || strings.Contains(text, "//"):
		return "", false
	}
	return text, true
}

// beginsWith compares without regard to case; prefix is in lower case.
func beginsWith(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
