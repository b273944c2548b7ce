// Package part keeps the checkpoints of a scan: each part is one unit of reading, finished, in an
// immutable file of the rows as Azure sent them. A scan that goes on from parts replays their files and
// reads the rest.
//
// A file is an s2 stream (https://github.com/klauspost/compress/tree/master/s2#format) of frames: one byte
// of kind, the length as a varint, the content. The first frame is the Header and the last one the Footer,
// both JSON; between them each frame is a row, a JSON object. A file without a footer is not finished.
package part

import (
	"errors"
	"path"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Header says what a file holds. A file of another version, or of another scan's request, is not used.
type Header struct {
	Version int      `json:"version"` // of this format
	Request string   `json:"request"` // what the scan was asked for, as a digest
	Key     string   `json:"key"`     // of backend.Part
	Form    Form     `json:"form"`    // of the rows
	Table   string   `json:"table"`   // of Resource Graph, or what was read of ARM
	Scopes  []string `json:"scopes"`  // subscriptions in lower case, or the word tenant
	Range   int      `json:"range"`   // the part is this hash range, from 0, …
	Ranges  int      `json:"ranges"`  // … of so many; 1 is the whole
}

// version is the one that this package writes and reads.
const version = 2 // 1 kept no versions of the API with what Resource Manager lists

// Form is how Azure writes a row.
type Form string

// The forms.
const (
	FormGraph Form = "graph" // Resource Graph's, with its columns
	FormARM   Form = "arm"   // Resource Manager's
	// FormDirectory is of Microsoft Graph: identities with what is known of them, and members with their group.
	FormDirectory Form = "directory"
	// FormPlan is no row of a tenant's, but one of the plan of a scan.
	FormPlan Form = "plan"
)

// Footer says what came of reading the part.
type Footer struct {
	Rows   int64            `json:"rows"`
	Listed map[string]int64 `json:"listed"` // rows of each scope that has any
	Gaps   []Gap            `json:"gaps,omitempty"`
}

// Gap is something of a finished part that could not be read.
type Gap struct {
	Scope  string       `json:"scope"`
	Kind   string       `json:"kind"`   // what could not be read: a type, or the part's table
	State  string       `json:"state"`  // a backend.CoverageState
	Count  int64        `json:"count"`  // of how many things
	Reason *fault.Fault `json:"reason"` // of the first of them
}

// ErrDamaged is of a file that is not a finished part.
var ErrDamaged = errors.New("the file is no finished part")

// The kinds of frames.
const (
	frameHeader = 'h'
	frameRow    = 'r'
	frameFooter = 'f'
)

// FileName is the path of a part's file, relative to the work folder, with slashes: the key's own words,
// which hold nothing but what is safe in the names of files everywhere.
func FileName(key string) string {
	return path.Join("parts", strings.ReplaceAll(key, "..", "-to-")+".part")
}
