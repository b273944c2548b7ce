package tenant

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// leftListed is how many resources the last section names for a class; of more it has the counts.
const leftListed = 1000

type leftKey struct {
	reason report.Reason
	typ    string
}

// leftOut writes the last section, and puts it into the result.
func (w *writer) leftOut(ctx context.Context, result *backend.SpecGenerationResult) error {
	counts, named := map[leftKey]int64{}, []report.Entry(nil)
	var omitted int64
	var trimmed []backend.Omitted
	err := w.plan.Rest(ctx, func(e report.Entry) error {
		counts[leftKey{e.Reason, e.Type}]++
		switch e.Class {
		case report.Omitted:
			omitted++
			if len(named) < leftListed {
				named = append(named, e)
			}
		case report.Trimmed:
			if len(trimmed) < backend.MaxOmitted {
				trimmed = append(trimmed, backend.Omitted{Resource: e.Resource, Reason: e.Reason.String(), Trimmed: true})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	changes, _ := w.rep.Changes()
	for _, e := range changes {
		if e.Reason.Class() == report.Omitted || e.Reason == report.CycleBroken {
			if e.Reason.Class() == report.Omitted {
				omitted++
			}
			if len(named) < leftListed {
				named = append(named, e)
			}
		}
	}
	const cannot = "a specification has no member for it"
	for _, m := range w.missing {
		omitted++
		result.Omitted = append(result.Omitted, backend.Omitted{Resource: m.resource, Property: m.property, Reason: cannot})
	}
	for _, e := range named {
		if e.Reason.Class() == report.Omitted {
			result.Omitted = append(result.Omitted, backend.Omitted{Resource: e.Resource, Property: e.Property, Reason: e.Reason.String()})
		}
	}
	result.Complete = w.plan.Source.Complete && omitted == 0
	result.Omitted = result.Omitted[:min(len(result.Omitted), backend.MaxOmitted)]
	result.Omitted = append(result.Omitted, trimmed[:min(len(trimmed), backend.MaxOmitted-len(result.Omitted))]...)
	w.writeLeft(counts, named, cannot)
	return nil
}

func (w *writer) writeLeft(counts map[leftKey]int64, named []report.Entry, cannot string) {
	to := w.left.Writer
	if gaps := w.g.Reader.Coverage().Gaps(); len(gaps) > 0 {
		put(to, "The scan could not read everything:\n\n")
		for _, e := range gaps {
			where := cmp.Or(e.Name, e.Scope)
			if w.x.anon != nil {
				where = w.x.anon.Word("scope", where)
			}
			put(to, "- ", md(fmt.Sprintf("%s of %s: %s", e.Kind, where, e.State)), "\n")
		}
		put(to, "\n")
	}
	keys := make([]leftKey, 0, len(counts))
	for k := range counts {
		if c := k.reason.Class(); c == report.Trimmed || c == report.Omitted {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b leftKey) int {
		return cmp.Or(cmp.Compare(b.reason.Class(), a.reason.Class()), cmp.Compare(a.reason, b.reason), cmp.Compare(counts[b], counts[a]), cmp.Compare(a.typ, b.typ))
	})
	if len(keys)+len(named)+len(w.missing) == 0 {
		put(to, "Nothing but what Azure itself sets.\n")
		return
	}
	if len(keys) > 0 {
		put(to, "| resources | type | why |\n|---:|---|---|\n")
		for _, k := range keys {
			lost := ""
			if k.reason.Class() == report.Omitted {
				lost = "**missing:** "
			}
			put(to, "| ", count(int(counts[k])), " | ", md(k.typ), " | ", lost, md(k.reason.String()), " |\n")
		}
	}
	if len(named)+len(w.missing) > 0 {
		put(to, "\n")
	}
	line := func(resource, property, why string) {
		if w.x.anon != nil {
			resource = w.x.anon.ID(resource)
		}
		if property != "" {
			property = " " + property
		}
		put(to, "- `", code(resource), "`", md(property), ": ", md(why), "\n")
	}
	for _, e := range named {
		line(e.Resource, e.Property, e.Reason.String())
	}
	for _, m := range w.missing[:min(len(w.missing), leftListed)] {
		line(m.resource, m.property, cannot)
	}
}
