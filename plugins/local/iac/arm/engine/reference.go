package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Reference is what a resource has of what Azure answers of another one.
type Reference struct {
	To         string // the id, as the expression has it
	APIVersion string // that the answer is of; empty if none is said
	Property   string // identity.principalId: its path in the whole answer
}

// Compare orders references by all that they say.
func (r Reference) Compare(other Reference) int {
	return cmp.Or(strings.Compare(r.To, other.To), strings.Compare(r.Property, other.Property), strings.Compare(r.APIVersion, other.APIVersion))
}

// Answer is what Azure answers of a resource, made up: the same for the same id, in any case, and property.
func Answer(id, property string) string { return property + " of " + strings.ToLower(id) }

// texts of an answer that templates of atg's have; nothing else of one is made up.
var answerTexts = []string{"identity.principalId", "properties.principalId", "properties.clientId"}

// startMembers are the members of a resource that are evaluated before anything is deployed, in lower case.
var startMembers = []string{"condition", "location", "tags", "kind", "sku", "plan", "identity", "zones", "managedby", "managedbyextended", "extendedlocation",
	"subscriptionid", "resourcegroup", "asserts"}

// answered is an answer, or an object in it.
type answered struct {
	of   *Reference
	path string // of the object; empty is the whole
}

func (a answered) words() string {
	if a.path == "" {
		return "what Azure answers of " + a.of.To
	}
	return a.path + " of " + a.of.To
}

// member is a text of the answer, or an object in it.
func (a answered) member(name string) (any, error) {
	a.path = strings.TrimPrefix(a.path+"."+name, ".")
	for _, text := range answerTexts {
		switch {
		case strings.EqualFold(text, a.path):
			a.of.Property = text
			return Answer(a.of.To, text), nil
		case len(text) > len(a.path) && strings.EqualFold(text[:len(a.path)+1], a.path+"."):
			return a, nil
		}
	}
	return nil, fmt.Errorf("nobody knows %s", a.words())
}

// reference is Azure's function, of a resource that is named by its id.
func (e *evaluation) reference(arguments []any) (any, error) {
	s, err := texts(arguments)
	switch {
	case err != nil || len(s) < 1 || len(s) > 3:
		return nil, errors.New("reference takes an id, an apiVersion and 'Full'")
	case !e.later:
		return nil, errors.New("reference stands where Azure evaluates before it deploys anything")
	case !strings.HasPrefix(s[0], "/"):
		return nil, fmt.Errorf("reference takes an id here, and not %s", s[0])
	case len(s) == 3 && !strings.EqualFold(s[2], "Full"):
		return nil, fmt.Errorf("reference takes 'Full' or nothing, and not %s", s[2])
	}
	of := &Reference{To: s[0]}
	if len(s) > 1 {
		of.APIVersion = s[1]
	}
	e.answers = append(e.answers, of)
	if len(s) == 3 {
		return answered{of: of}, nil
	}
	return answered{of: of, path: "properties"}, nil
}

// taken are the answers that were asked for since the last time.
func (e *evaluation) taken() []Reference {
	var all []Reference
	for _, r := range e.answers {
		all = append(all, *r)
	}
	e.answers = nil
	slices.SortFunc(all, Reference.Compare)
	return all
}

// atStart evaluates what Azure evaluates before it deploys anything.
func (e *evaluation) atStart(v any) (any, error) {
	later := e.later
	e.later = false
	defer func() { e.later = later }()
	return e.value(v)
}

// members evaluates those of a resource, each when Azure does.
func (e *evaluation) members(object map[string]any) (map[string]any, error) {
	start, rest := map[string]any{}, map[string]any{}
	for name, v := range object {
		if slices.Contains(startMembers, strings.ToLower(name)) {
			start[name] = v
		} else {
			rest[name] = v
		}
	}
	known, err := e.atStart(start)
	if err != nil {
		return nil, err
	}
	e.later = true
	defer func() { e.later = false }()
	other, err := e.value(rest)
	if err != nil {
		return nil, err
	}
	all, _ := known.(map[string]any)
	more, _ := other.(map[string]any)
	for name, v := range more {
		if _, ok := all[name]; ok {
			return nil, fmt.Errorf("the member %q is there twice", name)
		}
		all[name] = v
	}
	return all, nil
}

// answers checks that what Azure is to answer of a resource is known by then: that it is deployed before.
func (t *Template) answers(before *Tenant) {
	w := waiting{t: t, ids: map[string]int{}, names: map[[2]string]int{}}
	for i := range t.Resources {
		r := &t.Resources[i]
		w.ids[strings.ToLower(r.ID)] = i
		for _, name := range r.names {
			w.names[[2]string{r.Deployment, name}] = i
		}
	}
	for i := range t.Resources {
		r := &t.Resources[i]
		for _, a := range r.References {
			to, ok := w.ids[strings.ToLower(a.To)]
			switch {
			case !ok && !before.resources[strings.ToLower(a.To)]:
				t.problem(r.ID, "it needs what Azure answers of %s, which is not deployed before", a.To)
			case ok && !w.waits(i, to):
				t.problem(r.ID, "it needs what Azure answers of %s, and does not wait for it", a.To)
			case a.APIVersion == "" && (!ok || t.Resources[to].Deployment != r.Deployment):
				t.problem(r.ID, "reference needs an apiVersion for %s, which is not in its template", a.To)
			}
		}
	}
}

// waiting finds out what waits for what, in a template with all that are nested in it.
type waiting struct {
	t     *Template
	ids   map[string]int
	names map[[2]string]int // by deployment and name
}

// waits says whether a resource is deployed after another is: it waits for it, or what one of them is nested in does.
func (w *waiting) waits(from, to int) bool {
	for {
		for b, ok := to, true; ok; b, ok = w.ids[strings.ToLower(w.t.Resources[b].Deployment)] {
			if w.t.Resources[b].Deployment == w.t.Resources[from].Deployment {
				return w.reaches(from, b)
			}
		}
		up, ok := w.ids[strings.ToLower(w.t.Resources[from].Deployment)]
		if !ok {
			return false
		}
		from = up
	}
}

// reaches follows what resources of one template depend on.
func (w *waiting) reaches(from, to int) bool {
	seen, next := map[int]bool{}, []int{from}
	for len(next) > 0 {
		r := &w.t.Resources[next[0]]
		next = next[1:]
		for _, id := range r.DependsOn {
			n, ok := w.names[[2]string{r.Deployment, strings.ToLower(id)}]
			if ok && n == to {
				return true
			}
			if ok && !seen[n] {
				seen[n] = true
				next = append(next, n)
			}
		}
	}
	return false
}
