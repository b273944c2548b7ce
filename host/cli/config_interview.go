package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// interview asks what somebody wants of atg.
type interview struct {
	a     *app
	paths config.Paths
}

// where asks whether the answers hold always or for a profile, and answers its name and the file.
func (i interview) where(ctx context.Context) (profile, file string, err error) {
	if profile = i.a.flags.Profile; profile == "" {
		i.a.console.Aside(func(p *ui.Page) {
			p.Line("Enter takes what stands in brackets. Nothing is written before the last answer.")
			p.Gap()
		})
		profile, err = i.a.console.Ask(ctx, ui.Question{Text: "Is this for a profile? Its name, as prod:", Says: "no: for every command", Check: profileName})
	} else {
		err = profileName(profile)
	}
	if err != nil || profile == "" {
		return "", i.paths.Config, err
	}
	return profile, filepath.Join(i.paths.ProfileDir(), profile+".yaml"), nil
}

func profileName(name string) error {
	if name != "" && !config.ValidName(name) {
		return usage("%q is no name of a profile: small letters, digits and hyphens, with no hyphen in front", name)
	}
	return nil
}

// answers are the content of the file, and a key to keep; it is empty if there is none yet.
func (i interview) answers(ctx context.Context) (content []byte, key secret.String, err error) {
	given := config.Answers{Settings: map[string]any{}}
	if given.Backend, err = i.backend(ctx); err != nil {
		return nil, key, err
	}
	ask := func(into *string, q ui.Question) {
		if err == nil {
			*into, err = i.a.console.Ask(ctx, q)
		}
	}
	tenant := ui.Question{Text: "Tenant, its id or a domain:", Default: i.a.process.Getenv("AZURE_TENANT_ID")}
	if tenant.Default == "" {
		tenant.Says = "the only one in reach"
	}
	if given.Backend == config.Local {
		tenant.Check = tenantName
	}
	ask(&given.TenantID, tenant)
	switch given.Backend {
	case config.Local:
		if err == nil {
			err = i.azure(ctx, given.Settings)
		}
	case config.Remote:
		var url, authorities string
		ask(&url, ui.Question{Text: "Address of the service, as https://atg.example.com:", Default: i.a.process.Getenv("ATG_SERVICE_URL"), Check: serviceAddress})
		ask(&authorities, ui.Question{Text: "File with its certificate authority:", Says: "the system knows it"})
		given.Settings["service_url"] = url
		if authorities != "" {
			given.Settings["ca_file"] = authorities
		}
		if err == nil {
			key, err = i.a.console.AskSecret(ctx, "Its key, which does not show (empty: later, with atg auth login):")
		}
		if err == nil {
			var yes bool
			if yes, err = i.a.console.Confirm(ctx, "Work on this machine where the service cannot be reached?"); yes {
				given.Fallback = config.Local
			}
		}
	default:
		i.a.console.Note("its settings: atg backend info %s lists them; they stand in backends.%s.settings", given.Backend, given.Backend)
	}
	if err != nil {
		return nil, secret.String{}, err
	}
	content, err = config.Compose(given)
	return content, key, err
}

// backend asks who does the work.
func (i interview) backend(ctx context.Context) (string, error) {
	choices := []ui.Choice{
		{Value: config.Local, Help: "this machine, with your credential for Azure"},
		{Value: config.Remote, Help: "a job service, which has its own; you need its address and a key"},
	}
	if c, err := config.Load(config.Options{Environ: i.a.process.Environ, Flags: config.Flags{Config: i.a.flags.ConfigFile}}); err == nil {
		for _, p := range discover.List(discover.From(c)) {
			if p.Fault == nil && p.Name != config.Local && p.Name != config.Remote {
				choices = append(choices, ui.Choice{Value: p.Name, Help: p.Path})
			}
		}
	}
	first := cmp.Or(i.a.flags.BackendName, config.Local)
	if i.a.flags.Remote {
		first = config.Remote
	}
	return i.a.console.Choose(ctx, "Who does the work?", choices, first)
}

// signIns say to people what the ways to a credential are.
var signIns = map[string]string{
	"auto": "the first of these that works", "cli": "the login of az", "env": "the variables AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and their kin",
	"managed-identity": "of this machine in Azure", "workload-identity": "of a pod in Kubernetes",
	"client-secret": "an application, whose secret is in AZURE_CLIENT_SECRET", "client-certificate": "an application with a certificate",
	"device-code": "a code to enter in a browser",
}

// azure asks for the cloud and the credential, as far as the local backend says that it has them.
func (i interview) azure(ctx context.Context, settings map[string]any) error {
	known := i.localSettings(ctx)
	choose := func(name, question string, help map[string]string) (string, error) {
		s := known[name]
		var choices []ui.Choice
		for _, value := range s.Enum {
			choices = append(choices, ui.Choice{Value: value, Help: help[value]})
		}
		if len(choices) == 0 {
			return "", nil
		}
		first, _ := s.Default.(string)
		answer, err := i.a.console.Choose(ctx, question, choices, first)
		if err == nil && answer != first { // the default need not be written
			settings[name] = answer
		}
		return answer, err
	}
	ask := func(name, question string) error {
		answer, err := i.a.console.Ask(ctx, ui.Question{Text: question})
		if err == nil && answer != "" {
			settings[name] = answer
		}
		return err
	}
	cloud, err := choose("cloud", "Which of Azure's clouds?", map[string]string{"custom": "by its addresses, such as of Azure Stack"})
	if err == nil && cloud == "custom" {
		err = errors.Join(ask("resource_manager_endpoint", "Address of Resource Manager:"), ask("authority_host", "Address of Entra ID:"),
			ask("graph_endpoint", "Address of Microsoft Graph:"))
	}
	if err != nil {
		return err
	}
	auth, err := choose("auth", "How do you sign in to Azure?", signIns)
	switch {
	case err != nil:
		return err
	case auth == "client-secret":
		return ask("client_id", "The application's id (empty: AZURE_CLIENT_ID):")
	case auth == "client-certificate":
		return errors.Join(ask("client_id", "The application's id (empty: AZURE_CLIENT_ID):"),
			ask("client_certificate_file", "File with certificate and key (empty: AZURE_CLIENT_CERTIFICATE_PATH):"))
	case auth == "managed-identity":
		return ask("client_id", "Client id of a user-assigned identity (empty: the machine's own):")
	}
	return nil
}

// choice is what the interview wants to know of a setting.
type choice struct {
	Enum    []string `json:"enum"`
	Default any      `json:"default"`
}

// localSettings are those of the local backend; none where it cannot be asked.
func (i interview) localSettings(ctx context.Context) map[string]choice {
	c, err := config.Load(config.Options{Environ: i.a.process.Environ, Flags: config.Flags{Config: i.a.flags.ConfigFile}})
	if err != nil {
		return nil
	}
	description, err := i.a.dispatcherFor(c, finder(c)).Describe(ctx, config.Local)
	if err != nil {
		i.a.console.Note("the local backend cannot be asked for its settings, so they keep their defaults: %v", err)
		return nil
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	known := map[string]choice{}
	if json.Unmarshal(description.SettingsSchema, &schema) == nil {
		for name, raw := range schema.Properties {
			var s choice
			if json.Unmarshal(raw, &s) == nil {
				known[name] = s
			}
		}
	}
	return known
}

// login tries and keeps the key, with the configuration that was just written.
func (i interview) login(ctx context.Context, profile string, key secret.String) (*login, error) {
	i.a.flags.Profile, i.a.flags.BackendName, i.a.flags.Remote, i.a.loaded = profile, config.Remote, false, nil
	settings, _, _, err := i.a.service("")
	if err != nil {
		return nil, err
	}
	done, err := i.a.keep(ctx, settings, key, true)
	if err != nil {
		return nil, err
	}
	return &done, nil
}

// command is how to call atg with what was written.
func (i interview) command(profile string) string {
	command := "atg"
	if i.a.flags.ConfigFile != "" {
		command += " --config " + i.a.flags.ConfigFile
	}
	if profile != "" {
		command += " --profile " + profile
	}
	return command
}

// guidOrDomain is the form of a tenant's name in Azure.
const guidOrDomain = `^(?i)([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9-]+(\.[a-z0-9-]+)+)$`

func tenantName(name string) error {
	if name != "" && !regexp.MustCompile(guidOrDomain).MatchString(name) {
		return usage("%q is neither a tenant's id nor a domain, as contoso.onmicrosoft.com", name)
	}
	return nil
}

func serviceAddress(url string) error {
	if url == "" {
		return usage("the service has to have an address")
	}
	client := backend.DefaultClientConfig()
	client.ServiceURL = url
	return client.Validate()
}
