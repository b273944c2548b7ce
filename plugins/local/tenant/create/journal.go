package create

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// A run writes down in Azure itself what it is going to do, before it does anything: as the parameters of deployments that deploy nothing. So
// whoever goes on after a crash, and whoever takes back what was done, finds it, on whatever machine.
const (
	tagJob  = "atg-job"  // the whole id of the job; for people
	tagPlan = "atg-plan" // the digest of the plan
	// journalLines is how many lines one deployment holds: with long ids they are a third of the 4 MB that Azure takes.
	journalLines = 5000
	// keyLength is how much of a job's id is in the names of its deployments.
	keyLength = 12
)

// keyOf is the part of a job's id that is in the names of its deployments, without what all ids of a service begin with; empty for what cannot
// be one.
func keyOf(job string) string {
	var b strings.Builder
	for _, r := range strings.TrimPrefix(job, "job-") {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
		case r == '-' || r == '_':
		default:
			return ""
		}
	}
	key := b.String()
	return key[:min(len(key), keyLength)]
}

// deploymentPrefix begins the names of all deployments of a job.
func deploymentPrefix(job string) string { return "atg-" + keyOf(job) + "-" }

func journalName(job string, number int) string {
	name := deploymentPrefix(job) + "plan"
	if number > 1 {
		name += "-" + strconv.Itoa(number)
	}
	return name
}

// entry is a resource that a run makes or changes.
type entry struct {
	id      string
	version string // api-version
	level   int    // how many of the run's resources have to be there before it, one after the other
	changes bool   // it was there before
}

// String is the line of an entry.
func (e entry) String() string {
	action := actionCreate
	if e.changes {
		action = actionDiffers
	}
	return fmt.Sprintf("%s %d %s %s", action, e.level, e.version, e.id)
}

func parseEntry(line string) (entry, bool) {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) != 4 || !strings.HasPrefix(fields[3], "/") {
		return entry{}, false
	}
	level, err := strconv.Atoi(fields[1])
	return entry{id: fields[3], version: fields[2], level: level, changes: fields[0] == actionDiffers}, err == nil
}

// journal is what a run wrote down.
type journal struct {
	job, digest string
	entries     []entry
	at          time.Time // when it was written
	again       bool      // by an earlier attempt
}

// ids are the ids of a journal, in lower case.
func (j *journal) ids() map[string]bool {
	ids := make(map[string]bool, len(j.entries))
	for _, e := range j.entries {
		ids[strings.ToLower(e.id)] = true
	}
	return ids
}

// journal is that of a plan, in the order in which things are made.
func (p *plan) journal(job string) *journal {
	j := &journal{job: job, digest: p.Digest}
	for n := range p.all {
		if p.writes(n) {
			j.entries = append(j.entries, entry{p.changes[n].Resource, p.all[n].version, p.level[n], p.changes[n].Action == actionDiffers})
		}
	}
	for _, who := range p.people.all {
		if who.line.Action == actionCreate || who.line.Action == actionDiffers {
			j.entries = append(j.entries, entry{who.path(job), directoryVersion, 0, who.line.Action == actionDiffers})
		}
	}
	slices.SortFunc(j.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.level, b.level), strings.Compare(strings.ToLower(a.id), strings.ToLower(b.id)))
	})
	return j
}

// journalTemplate deploys nothing; %s is the schema of its scope.
const journalTemplate = `{"$schema":"https://schema.management.azure.com/schemas/%s#","contentVersion":"1.0.0.0","parameters":{"job":{"type":"string"},"digest":{"type":"string"},"total":{"type":"int"},"plan":{"type":"array"}},"resources":[]}`

// value is the value of a parameter.
func value(v any) map[string]any { return map[string]any{"value": v} }

// parameter reads the value of a parameter of a deployment.
func (d *record) parameter(name string, into any) error {
	return json.Unmarshal(d.Properties.Parameters[name].Value, into)
}

// write writes a journal down.
func (r *run) write(ctx context.Context, p *plan, j *journal) error {
	scope := scopeText(p.first)
	schema := "2018-05-01/subscriptionDeploymentTemplate.json"
	switch p.first.Kind {
	case template.ScopeTenant:
		schema = "2019-08-01/tenantDeploymentTemplate.json"
	case template.ScopeManagementGroup:
		schema = "2019-08-01/managementGroupDeploymentTemplate.json"
	}
	for number, from := 1, 0; from < len(j.entries); number, from = number+1, from+journalLines {
		var lines []string
		for _, e := range j.entries[from:min(from+journalLines, len(j.entries))] {
			lines = append(lines, e.String())
		}
		id := deploymentID(scope, journalName(j.job, number))
		b, err := newBody(r.WorkDir, p.location, map[string]string{tagJob: j.job, tagPlan: j.digest},
			map[string]any{"job": value(j.job), "digest": value(j.digest), "total": value(len(j.entries)), "plan": value(lines)},
			[][]byte{fmt.Appendf(nil, journalTemplate, schema)})
		if err != nil {
			return err
		}
		d, err := r.put(ctx, id, b)
		b.close()
		if err != nil {
			return err
		}
		if d.refused != nil {
			return d.refused
		}
		if err := r.follow(ctx, d, nil); err != nil {
			return err
		}
		if !strings.EqualFold(d.state, "Succeeded") {
			return cmp.Or(d.fault, fault.New(fault.ExecutionFailed, "what is to be done cannot be written down in Azure: the deployment "+d.state, fault.On(id), fault.From(fault.OriginAzure)))
		}
	}
	return nil
}

// read reads the journal of a job at a scope; nil if there is none, or not all of it, for nothing is done before all is written.
func (r *run) read(ctx context.Context, scope, job string) (*journal, error) {
	var j *journal
	for number, total := 1, 1; j == nil || len(j.entries) < total; number++ {
		found, err := r.look(ctx, deploymentID(scope, journalName(job, number)))
		if err != nil || found == nil {
			return nil, err
		}
		var whole, digest string
		_ = found.parameter("job", &whole) // what is no text is of nobody
		_ = found.parameter("digest", &digest)
		_ = found.parameter("total", &total)
		if whole == "" || !strings.EqualFold(whole, job) && (len(job) < keyLength || !strings.HasPrefix(whole, job)) {
			return nil, fault.New(fault.Conflict, fmt.Sprintf("the deployments with names like %s are of another job, %q", journalName(job, 1), whole), fault.On(found.ID))
		}
		if j == nil {
			j = &journal{job: whole, digest: digest}
			j.at, _ = time.Parse(time.RFC3339, found.Properties.Timestamp) // Azure always tells it
		}
		var lines []string
		if err := found.parameter("plan", &lines); err != nil {
			return nil, fault.New(fault.ExecutionFailed, "what the job wrote down in Azure cannot be read", fault.On(found.ID), fault.Because(err))
		}
		for _, line := range lines {
			e, ok := parseEntry(line)
			if !ok {
				return nil, fault.New(fault.ExecutionFailed, "what the job wrote down in Azure cannot be read: "+oneLine(line), fault.On(found.ID))
			}
			j.entries = append(j.entries, e)
		}
		if len(lines) == 0 {
			return nil, nil
		}
	}
	return j, nil
}
