package arm

import "github.com/azure-tenant-grapher/atg/plugins/local/iac/template"

// metadata is what a template says of itself: what people read first, and what Check has to know to deploy it on trial.
type metadata struct {
	Deployment struct {
		Order                 int    `json:"order"` // from 1
		Name                  string `json:"name"`
		Scope                 string `json:"scope"`                 // as az names it: tenant, mg, sub
		ManagementGroup       string `json:"managementGroup"`       // of mg
		Subscription          string `json:"subscription"`          // of sub, unless a parameter has it
		SubscriptionParameter string `json:"subscriptionParameter"` // of sub: the parameter that has it
		Location              string `json:"location"`
	} `json:"deployment"`
}

// describe writes the metadata of the stage's template.
func (s *stageFile) describe(d *document) {
	d.name("metadata")
	d.open('{')
	d.name("_generator")
	d.open('{')
	d.plain("name", "atg")
	d.name("notice")
	d.open('[')
	for _, line := range s.t.Notice() {
		d.next()
		d.b = appendLiteral(d.b, line)
	}
	d.close(']')
	d.close('}')
	member := func(name, value string) {
		d.name(name)
		d.b = appendLiteral(d.b, value)
	}
	member("description", "Deploys "+s.stage.Title+".")
	d.name("deployment")
	d.open('{')
	d.name("order")
	d.b = appendNumber(d.b, s.order())
	member("name", s.deploymentName())
	member("scope", s.scopeName())
	switch p := s.stage.Scope.Subscription; {
	case s.stage.Scope.Kind == template.ScopeManagementGroup:
		member("managementGroup", s.stage.Scope.ManagementGroup)
	case p != nil && s.has(p):
		member("subscriptionParameter", p.Name)
	case p != nil:
		member("subscription", p.Default)
	}
	member("location", location(s.t))
	d.close('}')
	d.close('}')
}

// has says whether the parameter file of the stage has a parameter.
func (s *stageFile) has(p *template.Parameter) bool {
	for _, own := range s.parameters {
		if own.Name == p.Name {
			return own.HasDefault
		}
	}
	return false
}

// scopeName is the word by which az calls deployments to the stage's scope.
func (s *stageFile) scopeName() string {
	switch s.stage.Scope.Kind {
	case template.ScopeTenant:
		return "tenant"
	case template.ScopeManagementGroup:
		return "mg"
	}
	return "sub"
}

func (s *stageFile) deploymentName() string { return deploymentName("atg-" + s.stage.Name) }
