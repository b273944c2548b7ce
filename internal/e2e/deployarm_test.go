//go:build unix

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// part is a generated template with what its metadata says of its deployment.
type part struct {
	file       string
	template   map[string]any
	parameters map[string]any
	deployment struct {
		Order                                              int
		Name, Scope, Location                              string
		ManagementGroup, SubscriptionParameter, Parameters string
	}
}

// deployARM is deploy-arm FOLDER: deploys generated templates part by part with Azure's REST API, as
// the script among them does. Locks that admit no write come last, as the generator says of them.
func deployARM(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: deploy-arm FOLDER")
	}
	ctx, cancel := patience(ts)
	defer cancel()
	a := &arm{ts: ts, ctx: ctx, client: stateOf(ts).simulator.HTTPClient(), base: stateOf(ts).simulator.URL()}
	a.signIn()
	var locks []lock
	for _, p := range partsOf(ts, args[0]) {
		scope := p.scope(ts)
		p.takeReadOnlyLocks(p.template, scope, &locks)
		a.deploy(scope+"/providers/Microsoft.Resources/deployments/"+p.deployment.Name, map[string]any{
			"location": p.deployment.Location, "properties": map[string]any{"mode": "Incremental", "template": p.template, "parameters": p.parameters},
		})
	}
	for _, l := range locks {
		a.send(http.MethodPut, l.id+"?api-version=2020-05-01", map[string]any{"properties": l.properties})
	}
}

// partsOf reads the templates of a folder in their order.
func partsOf(ts *testscript.TestScript, dir string) []*part {
	files := filesOf(ts, dir)
	var parts []*part
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Ext(name) != ".json" || strings.HasSuffix(name, ".parameters.json") || strings.HasPrefix(name, ".") {
			continue
		}
		p := &part{file: name, parameters: map[string]any{}}
		ts.Check(json.Unmarshal(files[name], &p.template))
		metadata, err := json.Marshal(p.template["metadata"])
		ts.Check(err)
		var wrapped struct{ Deployment json.RawMessage }
		ts.Check(json.Unmarshal(metadata, &wrapped))
		ts.Check(json.Unmarshal(wrapped.Deployment, &p.deployment))
		var given struct{ Parameters map[string]any }
		ts.Check(json.Unmarshal(files[strings.TrimSuffix(name, ".json")+".parameters.json"], &given))
		maps.Copy(p.parameters, given.Parameters)
		p.giveSecrets()
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *part) int { return cmp.Compare(a.deployment.Order, b.deployment.Order) })
	return parts
}

// giveSecrets gives every secret that has no value one.
func (p *part) giveSecrets() {
	parameters, _ := p.template["parameters"].(map[string]any)
	for name, raw := range parameters {
		definition, _ := raw.(map[string]any)
		_, hasDefault := definition["defaultValue"]
		if _, given := p.parameters[name]; !given && !hasDefault && strings.EqualFold(fmt.Sprint(definition["type"]), "secureString") {
			p.parameters[name] = map[string]any{"value": "S3cret-of-a-test!"}
		}
	}
}

func (p *part) scope(ts *testscript.TestScript) string {
	switch p.deployment.Scope {
	case "tenant":
		return ""
	case "mg":
		return "/providers/Microsoft.Management/managementGroups/" + p.deployment.ManagementGroup
	case "sub":
		return "/subscriptions/" + p.value(p.deployment.SubscriptionParameter)
	}
	ts.Fatalf("%s goes to a scope %q", p.file, p.deployment.Scope)
	return ""
}

// value is the value of a parameter, or its default.
func (p *part) value(name string) string {
	if given, ok := p.parameters[name].(map[string]any); ok {
		return fmt.Sprint(given["value"])
	}
	parameters, _ := p.template["parameters"].(map[string]any)
	definition, _ := parameters[name].(map[string]any)
	return fmt.Sprint(definition["defaultValue"])
}

// lock is one that is deployed when all else is there.
type lock struct {
	id         string
	properties map[string]any
}

// takeReadOnlyLocks takes the locks that admit no write out of a template and those within it, and
// notes their ids: of those on a resource of the group that the template goes to.
func (p *part) takeReadOnlyLocks(template map[string]any, scope string, locks *[]lock) {
	list, _ := template["resources"].([]any)
	kept := []any{}
	for _, raw := range list {
		resource, _ := raw.(map[string]any)
		properties, _ := resource["properties"].(map[string]any)
		if inner, ok := properties["template"].(map[string]any); ok {
			_, group, _ := strings.Cut(fmt.Sprint(resource["resourceGroup"]), "{0}")
			group, _, _ = strings.Cut(group, "'")
			p.takeReadOnlyLocks(inner, scope+"/resourceGroups/"+group, locks)
		}
		if resource["type"] == "Microsoft.Authorization/locks" && properties["level"] == "ReadOnly" {
			words := strings.Split(fmt.Sprint(resource["scope"]), "'") // resourceId('type', 'name')
			if len(words) == 5 {
				scope += "/providers/" + words[1] + "/" + words[3]
			}
			*locks = append(*locks, lock{scope + "/providers/Microsoft.Authorization/locks/" + fmt.Sprint(resource["name"]), properties})
			continue
		}
		kept = append(kept, raw)
	}
	template["resources"] = kept
}

// arm is a client of Resource Manager that knows no more than its REST API.
type arm struct {
	ts     *testscript.TestScript
	ctx    context.Context // ends with the command
	client *http.Client
	base   string
	token  string
}

func (a *arm) signIn() {
	simulator := stateOf(a.ts).simulator
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {simulator.ClientID()}, "client_secret": {simulator.ClientSecret()},
		"scope": {"https://management.azure.com/.default"},
	}
	request, err := http.NewRequestWithContext(a.ctx, http.MethodPost, a.base+"/"+simulator.Tenant().ID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	a.ts.Check(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, body := a.do(request)
	a.token = fmt.Sprint(body["access_token"])
}

func (a *arm) do(request *http.Request) (http.Header, map[string]any) {
	response, err := a.client.Do(request)
	a.ts.Check(err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	a.ts.Check(err)
	if response.StatusCode >= 300 {
		a.ts.Fatalf("%s %s: %d %s", request.Method, request.URL.Path, response.StatusCode, raw)
	}
	body := map[string]any{}
	ts := a.ts
	if len(raw) > 0 {
		ts.Check(json.Unmarshal(raw, &body))
	}
	return response.Header, body
}

func (a *arm) send(method, path string, body any) (http.Header, map[string]any) {
	raw, err := json.Marshal(body)
	a.ts.Check(err)
	target := path
	if !strings.HasPrefix(path, "https://") {
		target = a.base + path
	}
	request, err := http.NewRequestWithContext(a.ctx, method, target, bytes.NewReader(raw))
	a.ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", "application/json")
	return a.do(request)
}

// deploy puts a deployment and asks for its operation until it has succeeded.
func (a *arm) deploy(id string, body any) {
	header, _ := a.send(http.MethodPut, id+"?api-version=2025-04-01", body)
	for {
		_, status := a.send(http.MethodGet, header.Get("Azure-AsyncOperation"), nil)
		switch status["status"] {
		case "Accepted", "Running":
			continue
		case "Succeeded":
			return
		}
		told, err := json.MarshalIndent(status, "", "  ")
		a.ts.Check(err)
		a.ts.Fatalf("%s: %s", id, told)
	}
}
