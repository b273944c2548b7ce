// Package report collects what a generation left out or changed, with the reasons, and writes it for people (REPORT.md) and for
// programs (report.ndjson).
package report

import (
	"cmp"
	"slices"
	"sync"
)

// Reason is why something is not as it was.
type Reason uint8

// Class is what a reason means to whoever uses the output.
type Class uint8

// The classes.
const (
	Trimmed Class = iota // left out on purpose: Azure makes it itself, or it only says a default
	Omitted              // left out because it cannot be generated
	Changed              // generated, but not as it was
	InBody               // generated as a part of its parent
	Outside              // outside of the filter
)

// The reasons.
const (
	None Reason = iota
	OutsideFilter
	Container
	BuiltIn
	MadeByOther
	ManagedGroup
	Instance
	ServiceDefault
	DefaultsOnly
	CannotCreate
	DeploymentRecord
	PartOfParent
	NoVersion
	NoForm
	NoID
	Unreadable
	UnknownType
	CycleBroken
	ReadOnlyProperty
	UnknownProperty
	EmptyProperty
	SecretProperty
	MaskedSecret
	MissingSecret
	MissingRequired
	TooDeep

	last = TooDeep
	// Reasons is how many there are.
	Reasons = last + 1
)

// reasons are the words and the class of each.
var reasons = map[Reason]struct {
	class Class
	words string
}{
	OutsideFilter:    {Outside, "the filter leaves it out"},
	Container:        {Trimmed, "subscriptions and management groups are not made by a deployment: they have to exist"},
	BuiltIn:          {Trimmed, "Azure's own definition, which is there in every tenant"},
	MadeByOther:      {Trimmed, "Azure makes it together with another resource"},
	ManagedGroup:     {Trimmed, "it is in a resource group that another resource manages"},
	Instance:         {Trimmed, "an instance that its scale set makes"},
	ServiceDefault:   {Trimmed, "the service makes it by itself"},
	DefaultsOnly:     {Trimmed, "it says nothing beyond the defaults of the service"},
	CannotCreate:     {Trimmed, "Resource Manager has no call that creates one"},
	DeploymentRecord: {Trimmed, "the record of an earlier deployment"},
	PartOfParent:     {InBody, "it is a part of its parent's body"},
	NoVersion:        {Omitted, "the type is unknown, and no api-version of it either"},
	NoForm:           {Omitted, "its id has no form that a deployment could have"},
	NoID:             {Omitted, "Azure gave no id for it"},
	Unreadable:       {Omitted, "what the snapshot holds of it is no valid JSON"},
	UnknownType:      {Changed, "the type is unknown to this atg: general rules told what can be written, and nothing checks it"},
	CycleBroken:      {Changed, "it is part of a cycle of references: this one is written as an id that nothing waits for"},
	ReadOnlyProperty: {Changed, "read-only"},
	UnknownProperty:  {Changed, "the api-version does not take it"},
	EmptyProperty:    {Changed, "null or empty"},
	SecretProperty:   {Changed, "a secret: it is a parameter now"},
	MaskedSecret:     {Changed, "a secret that Azure does not tell: it is a parameter now"},
	MissingSecret:    {Changed, "a secret that is needed and that Azure does not tell: it is a parameter now"},
	MissingRequired:  {Changed, "needed by the api-version, but the snapshot does not have it"},
	TooDeep:          {Omitted, "it is nested more deeply than the format can hold"},
}

// Class is what a reason means.
func (r Reason) Class() Class { return reasons[r].class }

// String is the reason in words.
func (r Reason) String() string { return reasons[r].words }

// Property is a property of a type that was left out or changed.
type Property struct {
	Type, Path string
	Reason     Reason
}

// Report collects. Its methods may be called from several goroutines.
type Report struct {
	mu         sync.Mutex
	properties map[Property]int64
	notes      map[string]struct{}
	changes    []Entry
	dropped    int64
	missing    int64 // changes that left something out
}

// Entry is a single resource that was changed or left out.
type Entry struct {
	Resource string `json:"resource"`
	Type     string `json:"type"`
	Property string `json:"property,omitempty"`
	Class    Class  `json:"-"`
	Reason   Reason `json:"-"`
	Detail   string `json:"-"`
}

// New makes an empty report.
func New() *Report {
	return &Report{properties: map[Property]int64{}, notes: map[string]struct{}{}}
}

// Properties counts properties.
func (r *Report) Properties(counted map[Property]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, n := range counted {
		r.properties[p] += n
	}
}

// Note says something that people should know. The same note counts once.
func (r *Report) Note(note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes[note] = struct{}{}
}

// Notes are they, sorted.
func (r *Report) Notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	notes := make([]string, 0, len(r.notes))
	for n := range r.notes {
		notes = append(notes, n)
	}
	slices.Sort(notes)
	return notes
}

// maxChanges is how many single changes are kept; beyond them they are counted.
const maxChanges = 20_000

// Change says that one resource was changed.
func (r *Report) Change(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	missing := e.Reason.Class() == Omitted
	if missing {
		r.missing++
	}
	if len(r.changes) >= maxChanges && (!missing || r.missing > maxChanges) { // what is missing matters more than what was changed
		r.dropped++
		return
	}
	r.changes = append(r.changes, e)
}

// Missing is how many of the changes left something out that cannot be generated.
func (r *Report) Missing() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing
}

// Changes are they, sorted, and how many more there are.
func (r *Report) Changes() ([]Entry, int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.changes, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Property, b.Property), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Detail, b.Detail))
	})
	return r.changes, r.dropped
}
