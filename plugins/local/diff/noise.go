package diff

import (
	"path"
	"strings"
	"sync"
)

// rule says that a property is noise: it changes by itself, or tells how a thing is doing and not how it is configured.
type rule struct {
	// path ends in the property's name, in lower case. It begins at the row, as properties.extended, or, behind **., anywhere. The
	// name may have * in it, as path.Match has them.
	path string
	typ  string // of the row, in lower case; empty is any
	// settled says of a value that it counts; nil is that none does.
	settled func(value any) bool
}

// noise are the rules. To add one, add a line here, a case to TestNoise, and what it is about to docs/diff.md.
var noise = []rule{
	// marks of a version, which every write renews
	{path: "**.etag"}, {path: "**.@odata.etag"}, {path: "**.systemdata"}, {path: "**.resourceversion"},
	// when something was last done; when it was made stays the same, unless it is made anew
	{path: "**.lastmodified*"}, {path: "**.lastupdate*"}, {path: "**.lastchanged*"}, {path: "**.modifiedon"}, {path: "**.modifiedat"}, {path: "**.modifieddate"},
	{path: "**.updatedon"}, {path: "**.updatedat"}, {path: "**.updatedtime"}, {path: "**.updatedby"}, {path: "**.changedtime"}, {path: "**.accessedat"},
	{path: "**.laststatuschange*"}, {path: "**.lastheartbeat*"}, {path: "**.lastsync*"}, {path: "**.lastrun*"}, {path: "**.lastseen*"}, {path: "**.lastskuupdate"},
	{path: "**.lastbackup*"}, {path: "**.lastrecoverypoint"}, {path: "**.latestrestorabletimestamp"}, {path: "**.earliestrestore*"}, {path: "**.lastgeofailovertime"},
	{path: "**.quotanextresettime"}, {path: "**.lastoperation*"},
	// what Resource Graph adds to what Resource Manager knows, and how a thing is doing
	{path: "properties.extended"}, {path: "**.instanceview"}, {path: "**.healthstatus"}, {path: "**.healthstate"},
	// how many there are of what comes and goes
	{path: "**.countdetails"}, {path: "**.messagecount"}, {path: "properties.sizeinbytes"},
	{path: "properties.numberofsites", typ: "microsoft.web/serverfarms"}, {path: "properties.numberofworkers", typ: "microsoft.web/serverfarms"},
	{path: "properties.usagestate", typ: "microsoft.web/sites"},
	// a state that passes counts as none
	{path: "**.provisioningstate", settled: func(v any) bool { return !passing[strings.ToLower(textOf(v))] }},
	// of identities
	{path: "raw.signinactivity"}, {path: "raw.refreshtokensvalidfromdatetime"}, {path: "raw.signinsessionsvalidfromdatetime"},
	{path: "raw.onpremiseslastsyncdatetime"}, {path: "raw.reneweddatetime"},
}

// passing are the states of provisioning from which a thing goes on by itself.
var passing = map[string]bool{
	"accepted": true, "creating": true, "created": true, "updating": true, "provisioning": true, "resolving": true, "running": true,
	"scaling": true, "starting": true, "upgrading": true, "pending": true, "inprogress": true, "registering": true, "migrating": true, "restoring": true,
}

// rules are the noise by the name of the property, as far as that has no *.
var rules = sync.OnceValue(func() map[string][]*rule {
	byName := map[string][]*rule{}
	for i := range noise {
		r := &noise[i]
		name := r.path[strings.LastIndexByte(r.path, '.')+1:]
		if anywhere, ok := strings.CutPrefix(r.path, "**."); ok {
			name = anywhere
		}
		if strings.Contains(name, "*") {
			name = "*"
		}
		byName[name] = append(byName[name], r)
	}
	return byName
})

// ruleOf is the rule for a property of a row of a type; nil is none. Within is where the property stands, without the places of lists; all are
// in lower case. Tags are people's own, whatever they are called.
func ruleOf(typ, within, name string) *rule {
	if within == "tags" {
		return nil
	}
	for _, some := range [...][]*rule{rules()[name], rules()["*"]} {
		for _, r := range some {
			if r.typ != "" && r.typ != typ {
				continue
			}
			if wanted, anywhere := strings.CutPrefix(r.path, "**."); anywhere {
				if matched, _ := path.Match(wanted, name); matched {
					return r
				}
			} else if wanted == within+"."+name {
				return r
			}
		}
	}
	return nil
}

// counts says of a value whether the rule leaves it.
func (r *rule) counts(value any) bool { return r == nil || r.settled != nil && r.settled(value) }

// textOf is a value that is a string; empty if it is none.
func textOf(v any) string {
	s, _ := v.(string)
	return s
}
