package discovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// directoryPart is a part of Microsoft Graph's on its way to its file and the snapshot. Several calls fill it at once.
//
// Its key names what it covers: a list, or the ids that were asked for, as a digest of them. So a scan that goes on finds the parts that
// still fit, and asks again where other objects are referred to by now.
type directoryPart struct {
	d      *directory
	file   *part.Writer
	failed atomic.Bool
}

// coverKey is the key of the part of a table that some ids make up; none is all of the table. They must be in order.
func coverKey(t *table, ids []guid) string {
	key := tenantScope + "/" + strings.ReplaceAll(t.name, " ", "-")
	if len(ids) == 0 {
		return key
	}
	sum := sha256.New()
	for _, id := range ids {
		_, _ = sum.Write(id[:]) // never fails
	}
	return key + "/" + hex.EncodeToString(sum.Sum(nil)[:10])
}

// readPart reads a part, unless an earlier attempt has. What failed is told to fail; such a part is not kept.
func (d *directory) readPart(ctx context.Context, t *table, key string, ask func(context.Context, *directoryPart) error) error {
	if done, ok := d.resumed.parts[key]; ok && done.header.Form == part.FormDirectory {
		if replayed, err := d.replay(done); replayed || err != nil {
			return err
		}
	}
	w, err := d.checkpoint(part.Header{Request: d.digest, Key: key, Form: part.FormDirectory, Table: t.name, Scopes: []string{tenantScope}, Ranges: 1})
	if err != nil {
		return err
	}
	defer w.Abort()
	p := &directoryPart{d: d, file: w}
	if err := ask(ctx, p); err != nil {
		return err
	}
	if p.failed.Load() {
		return nil
	}
	finished, err := w.Finish(part.Footer{})
	if err != nil {
		return d.diskFault(err)
	}
	d.report.Part(finished)
	return nil
}

// fail notes that not all of a table could be read, if the scan goes on.
func (p *directoryPart) fail(ctx context.Context, err error, tables ...*table) error {
	if p.d.ends(ctx, err) {
		return err
	}
	p.failed.Store(true)
	if fault.CodeOf(err) == fault.AzureAuthRequired { // nothing more will be answered
		p.d.shut.Store(true)
		tables = directoryTables
	}
	for _, t := range tables {
		p.d.fail(t, fault.As(err))
	}
	return nil
}

// reader takes objects in, of a family where answers do not say theirs; nil is of several. keep leaves out those for which it is false.
func (p *directoryPart) reader(of func(*object) *family, keep func(*graph.Identity) bool) azure.Reader[object] {
	return azure.Reader[object]{New: p.d.pages.get, Set: setObject, Take: func(page *azure.Page[object]) error {
		identities := make([]graph.Identity, 0, len(page.Rows))
		for i := range page.Rows {
			o := &page.Rows[i]
			identity := o.identity(o.family(of(o)))
			if keep == nil || keep(&identity) {
				p.d.known(&identity, o)
				identities = append(identities, identity)
			}
		}
		p.d.pages.put(page)
		return p.keep(identities)
	}}
}

// keep writes identities to the snapshot and the part.
func (p *directoryPart) keep(identities []graph.Identity) error {
	rows := make([][]byte, len(identities))
	for i, identity := range identities {
		raw := identity.Raw
		if raw == nil {
			raw = fmt.Appendf(nil, `{"id":%q}`, identity.ObjectID)
		}
		rows[i] = fmt.Appendf(nil, `{"kind":%q,"state":%q,"object":%s}`, identity.Kind, identity.State, raw)
	}
	if err := p.d.save(p.file, rows...); err != nil {
		return err
	}
	p.d.progress.add(phaseIdentities, int64(len(identities)))
	return p.d.add(identities, nil)
}

// member is a member of a group, as a part has it.
type member struct {
	Group, Member string // ids
	Type          string // as family.typ; empty is another one
}

// keepMembers writes memberships to the snapshot and the part, and has the members read.
func (p *directoryPart) keepMembers(members []member) error {
	rows := make([][]byte, len(members))
	for i, m := range members { // ids and names of types need no escapes
		rows[i] = []byte(`{"group":"` + m.Group + `","member":"` + m.Member + `","type":"` + m.Type + `"}`)
	}
	if err := p.d.save(p.file, rows...); err != nil {
		return err
	}
	p.d.progress.grow(phaseMembers, "members", int64(len(members)))
	p.d.progress.add(phaseMembers, int64(len(members)))
	return p.d.addMembers(members)
}

func (d *directory) addMembers(members []member) error {
	links := make([]graph.Membership, len(members))
	for i, m := range members {
		links[i] = graph.Membership{GroupID: m.Group, MemberID: m.Member}
		if id, ok := parseGUID(m.Member); ok {
			d.name(id, familyOf(func(f *family) bool { return f.typ == m.Type }))
		}
	}
	return d.add(nil, links)
}

// add writes to the snapshot, which has one writer.
func (d *directory) add(identities []graph.Identity, members []graph.Membership) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := d.writer.AddIdentities(identities); err != nil {
		return err
	}
	return d.writer.AddMemberships(members)
}

// pool is some pages that are used again and again: first the one that was used last, so that no more of them grow than are in use at once.
type pool[T any] struct {
	used chan struct{}

	mu   sync.Mutex
	free []*azure.Page[T]
}

func newPool[T any](pages int) *pool[T] { return &pool[T]{used: make(chan struct{}, pages)} }

// get waits for a page that is free.
func (p *pool[T]) get(ctx context.Context) (*azure.Page[T], error) {
	select {
	case p.used <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	if last < 0 {
		return new(azure.Page[T]), nil
	}
	page := p.free[last]
	p.free = p.free[:last]
	return page, nil
}

func (p *pool[T]) put(page *azure.Page[T]) {
	page.Shrink(keptDirectory)
	p.mu.Lock()
	p.free = append(p.free, page)
	p.mu.Unlock()
	<-p.used
}

// empty forgets the pages that are free.
func (p *pool[T]) empty() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = nil
}

// keptDirectory is how much memory of a page is kept for the next one, in bytes.
const keptDirectory = 1 << 20

// record is a row of a part.
type record struct {
	kind   graph.IdentityKind
	state  graph.IdentityState
	object object
	member member
}

// set takes a member of a row in.
func (r *record) set(c azure.Column) error {
	switch string(c.Name) {
	case "kind":
		r.kind = graph.IdentityKind(c.Text())
	case "state":
		r.state = graph.IdentityState(c.Text())
	case "object":
		return azure.Members(c.Value, func(c azure.Column) error { return setObject(&r.object, c) })
	case "group":
		r.member.Group = c.Text()
	case "member":
		r.member.Member = c.Text()
	case "type":
		r.member.Type = c.Text()
	}
	return nil
}

// replay takes in what a part of an earlier attempt has. A part that turns out to be damaged is read again.
func (d *directory) replay(done finished) (replayed bool, err error) {
	r, err := part.Open(d.dir, done.part)
	if err == nil {
		defer r.Close()
		_, err = r.Rows(d.replayRow)
	}
	if err == nil {
		phase := phaseIdentities
		if done.header.Table == memberships.name {
			phase = phaseMembers
			d.progress.grow(phase, "members", done.part.Rows)
		}
		d.progress.add(phase, done.part.Rows)
		return true, nil
	}
	if f := fault.As(err); f != nil && !errors.Is(err, part.ErrDamaged) {
		return false, err
	}
	d.report.Log(backend.LevelWarn, "the part %s is read again: %v", done.part.Key, err)
	return false, nil
}

func (d *directory) replayRow(raw []byte) error {
	var r record
	if err := azure.Members(jsontext.Value(raw), r.set); err != nil {
		return err
	}
	if r.kind == "" {
		return d.addMembers([]member{r.member})
	}
	identity := r.object.identity(familyOfKind(r.kind))
	identity.Kind, identity.State = r.kind, r.state
	if r.state != graph.IdentityPresent {
		identity.Raw = nil
	}
	d.known(&identity, &r.object)
	return d.add([]graph.Identity{identity}, nil)
}
