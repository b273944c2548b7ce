package create

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// seal makes the digest of a plan: of the tenant, of what would happen to each resource, and of what each is to be. No secret is in it.
type seal struct {
	sum    hash.Hash
	buffer []byte // what it has not taken yet
}

func newSeal(tenant string) *seal {
	s := &seal{sum: sha256.New()}
	s.write("atg plan 1", tenant)
	return s
}

func (s *seal) write(texts ...string) {
	for _, t := range texts {
		s.buffer = append(append(strconv.AppendInt(s.buffer, int64(len(t)), 10), ':'), t...)
		if len(s.buffer) >= 4096 {
			s.flush()
		}
	}
}

func (s *seal) flush() {
	_, _ = s.sum.Write(s.buffer) // a hash never fails
	s.buffer = s.buffer[:0]
}

// bytes is the digest of what was written so far.
func (s *seal) bytes() []byte {
	s.flush()
	return s.sum.Sum(nil)
}

func (s *seal) add(c *backend.PlannedChange, content []byte) {
	line, _ := json.Marshal(c) // texts always have a JSON form
	s.write(string(line), string(content))
}

func (s *seal) digest() string { return hex.EncodeToString(s.bytes()) }

// contentOf is the digest of what a resource is to be.
func contentOf(res *template.Resource) [sha256.Size]byte {
	s := &seal{sum: sha256.New()}
	s.write(res.Type, res.APIVersion)
	s.text(res.FullName)
	s.text(res.ParentID)
	s.text(res.Location)
	s.value(&res.Tags)
	s.value(&res.Identity)
	for _, id := range res.IdentityIDs {
		s.text(id)
	}
	for i := range res.Body {
		s.write(res.Body[i].Name)
		s.value(&res.Body[i].Value)
	}
	return [sha256.Size]byte(s.bytes())
}

func (s *seal) text(parts []template.Part) {
	s.write("t")
	for i := range parts {
		switch p := &parts[i]; {
		case p.Parameter != nil && p.Parameter.Secret:
			s.write("secret", p.Parameter.Name, p.Parameter.Placeholder)
		case p.Parameter != nil:
			s.write("literal", p.Parameter.Default)
		case p.Ref != nil && p.Ref.Property != "":
			s.write("answer", p.Ref.Property)
			s.text(p.Ref.ID)
		case p.Ref != nil && p.Ref.Existing != nil && len(p.Ref.ID) == 0:
			s.text(p.Ref.Existing.ID)
		case p.Ref != nil:
			s.text(p.Ref.ID)
		default:
			s.write("literal", p.Literal)
		}
	}
	s.write("e")
}

func (s *seal) value(v *template.Value) {
	s.write(strconv.Itoa(int(v.Kind)))
	switch v.Kind {
	case template.Bool:
		s.write(strconv.FormatBool(v.Bool))
	case template.String, template.Number:
		s.text(v.Text)
	case template.List:
		s.write(strconv.Itoa(len(v.Items)))
		for i := range v.Items {
			s.value(&v.Items[i])
		}
	case template.Map:
		s.write(strconv.Itoa(len(v.Fields)))
		for i := range v.Fields {
			s.write(v.Fields[i].Name)
			s.value(&v.Fields[i].Value)
		}
	}
}
