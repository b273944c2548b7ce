package spec

import (
	"errors"
	"fmt"
	"strings"
)

// What a reference in a text begins with, behind ${. Each but tenant has a colon and an argument.
const (
	RefResource      = "resource"       // the id of a resource
	RefResourceGroup = "resource_group" // the id of a resource group
	RefSubscription  = "subscription"   // the id of a subscription: the GUID alone
	RefTenant        = "tenant"         // the id of the tenant: the GUID alone
	RefSecret        = "secret"         // a secret, whose value whoever deploys gives
	RefPrincipal     = "principal_id"   // the object id of a resource's identity
	RefClient        = "client_id"      // the client id of a user-assigned identity
	RefUser          = "user"           // the object id of a user
	RefGroup         = "group"          // the object id of a group
	RefService       = "service_principal"
)

// refKinds are all of them.
var refKinds = []string{RefResource, RefResourceGroup, RefSubscription, RefTenant, RefSecret, RefPrincipal, RefClient, RefUser, RefGroup, RefService}

// Piece is a part of a text: literal text, or a reference.
type Piece struct {
	Literal string
	Kind    string // of a reference; empty for literal text
	Arg     string // with its escapes taken off, but for those of paths: see Path
	offset  int
}

// escapes are the characters of an argument that are written as %XX. All that a name may have and a reference may not.
const escapes = "%}\x00\r\n"

// Escape is literal text as it is written in a text that may have references: ${ becomes $${. Of dollar signs before a { two stand for
// one, so that a text can end with one before a reference.
func Escape(text string) string { return escape(text, false) }

// escape doubles the dollar signs that stand before a {, or, with before, before a reference behind the text.
func escape(text string, before bool) string {
	if !strings.Contains(text, "${") && (!before || !strings.HasSuffix(text, "$")) {
		return text
	}
	var b strings.Builder
	run := 0
	for i := range len(text) {
		if text[i] == '$' {
			run++
			continue
		}
		writeDollars(&b, run, text[i] == '{')
		run = 0
		b.WriteByte(text[i])
	}
	writeDollars(&b, run, before)
	return b.String()
}

func writeDollars(b *strings.Builder, n int, double bool) {
	if double {
		n *= 2
	}
	for range n {
		b.WriteByte('$')
	}
}

// Join writes pieces as a text.
func Join(pieces []Piece) string {
	var b strings.Builder
	for i := 0; i < len(pieces); i++ {
		p := pieces[i]
		if p.Kind != "" {
			b.WriteString("${" + p.Kind)
			if p.Kind != RefTenant {
				b.WriteByte(':')
				b.WriteString(p.Arg)
			}
			b.WriteByte('}')
			continue
		}
		literal := p.Literal
		for i+1 < len(pieces) && pieces[i+1].Kind == "" {
			i++
			literal += pieces[i].Literal
		}
		b.WriteString(escape(literal, i+1 < len(pieces)))
	}
	return b.String()
}

// Split takes a text apart. The error is a *TextError.
func Split(text string) ([]Piece, error) {
	if !strings.Contains(text, "${") {
		if text == "" {
			return nil, nil
		}
		return []Piece{{Literal: text}}, nil
	}
	var pieces []Piece
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			pieces = append(pieces, Piece{Literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); {
		if text[i] != '$' {
			next := strings.IndexByte(text[i:], '$')
			if next < 0 {
				next = len(text) - i
			}
			literal.WriteString(text[i : i+next])
			i += next
			continue
		}
		run := i
		for run < len(text) && text[run] == '$' {
			run++
		}
		n := run - i
		if run == len(text) || text[run] != '{' {
			writeDollars(&literal, n, false)
			i = run
			continue
		}
		writeDollars(&literal, n/2, false)
		i = run
		if n%2 == 0 {
			continue
		}
		end := strings.IndexByte(text[run:], '}')
		if end < 0 {
			return nil, &TextError{run - 1, "a reference that begins here does not end", "write $${ for ${ that is no reference"}
		}
		inner := text[run+1 : run+end]
		kind, arg, has := strings.Cut(inner, ":")
		if err := checkKind(kind, arg, has); err != nil {
			err.Offset = run - 1
			return nil, err
		}
		flush()
		pieces = append(pieces, Piece{Kind: kind, Arg: arg, offset: run - 1})
		i = run + end + 1
	}
	flush()
	return pieces, nil
}

// TextError is what is wrong with a text, and where: Offset counts bytes.
type TextError struct {
	Offset        int
	Message, Hint string
}

// Error implements error.
func (e *TextError) Error() string { return e.Message }

func checkKind(kind, arg string, has bool) *TextError {
	const literally = "write $${ for ${ that is no reference"
	for _, k := range refKinds {
		if k != kind {
			continue
		}
		switch {
		case kind == RefTenant && has:
			return &TextError{Message: "${tenant} takes no argument", Hint: "write ${tenant}"}
		case kind != RefTenant && arg == "":
			return &TextError{Message: fmt.Sprintf("${%s:…} needs an argument", kind), Hint: literally}
		case kind == RefSecret && !secretName(arg):
			return &TextError{Message: fmt.Sprintf("%q cannot be the name of a secret", short(arg)), Hint: "take letters, digits, '_', '-' and '.', at most 200"}
		}
		return nil
	}
	hint := meant(kind, refKinds)
	if hint != "" {
		hint += " Or "
	}
	return &TextError{Message: fmt.Sprintf("${%s} is no reference", short(kind)), Hint: hint + literally}
}

func secretName(name string) bool {
	if name == "" || len(name) > 200 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

// EscapeName is a name as the argument of a reference holds it: %, } and control characters as %XX, and where it is a segment of a path,
// slashes too.
func EscapeName(name string, segment bool) string {
	if !strings.ContainsAny(name, escapes) && (!segment || !strings.Contains(name, "/")) {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(escapes, c) >= 0 || segment && c == '/' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// UnescapeName is the opposite. What is no escape stays as it is.
func UnescapeName(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '%' && i+2 < len(name) {
			hi, lo := hexDigit(name[i+1]), hexDigit(name[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo)) //nolint:gosec // two digits
				i += 2
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// Fill puts values into the secrets of a text that template.Parameter.Placeholder holds. value answers that of a name.
func Fill(text string, value func(name string) (string, error)) (string, error) {
	pieces, err := Split(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range pieces {
		switch p.Kind {
		case "":
			b.WriteString(p.Literal)
		case RefSecret:
			v, err := value(p.Arg)
			if err != nil {
				return "", err
			}
			b.WriteString(v)
		default:
			return "", errors.New("the text refers to more than secrets")
		}
	}
	return b.String(), nil
}
