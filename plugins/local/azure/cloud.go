package azure

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Cloud names one of Azure's clouds.
type Cloud string

// The clouds.
const (
	CloudPublic       Cloud = "public"
	CloudUSGovernment Cloud = "usgovernment"
	CloudChina        Cloud = "china"
	CloudCustom       Cloud = "custom" // endpoints as given: Azure Stack, air-gapped clouds, a simulator
)

// Clouds are all of them.
func Clouds() []Cloud { return []Cloud{CloudPublic, CloudUSGovernment, CloudChina, CloudCustom} }

// The variables that say which cloud to use; they stand above the settings.
const (
	envCloud           = "ATG_AZURE_CLOUD"
	envResourceManager = "ATG_AZURE_RESOURCE_MANAGER_ENDPOINT"
	envAuthorityHost   = "ATG_AZURE_AUTHORITY_HOST"
	envGraph           = "ATG_AZURE_GRAPH_ENDPOINT"
)

// Endpoints are where a cloud's services are. The first three are https URLs without a path's end
// slash.
type Endpoints struct {
	ResourceManager string // Azure Resource Manager, with Resource Graph below it
	AuthorityHost   string // Microsoft Entra ID, which gives tokens
	Graph           string // Microsoft Graph; may be empty in a custom cloud
	Audience        string // what Resource Manager's tokens are for
}

// The endpoints and audiences are those of azcore's arm/runtime and of Microsoft Graph's page on
// national clouds.
var known = map[Cloud]Endpoints{
	CloudPublic: {"https://management.azure.com", "https://login.microsoftonline.com",
		"https://graph.microsoft.com", "https://management.core.windows.net/"},
	CloudUSGovernment: {"https://management.usgovcloudapi.net", "https://login.microsoftonline.us",
		"https://graph.microsoft.us", "https://management.core.usgovcloudapi.net/"},
	CloudChina: {"https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn",
		"https://microsoftgraph.chinacloudapi.cn", "https://management.core.chinacloudapi.cn/"},
}

// resolveCloud completes the choice of a cloud from the environment, which wins, and the settings.
// Endpoints alone mean a custom cloud.
func (c *Config) resolveCloud() []fault.Problem {
	given := c.Endpoints
	for _, o := range []struct {
		variable string
		value    *string
	}{{envResourceManager, &given.ResourceManager}, {envAuthorityHost, &given.AuthorityHost}, {envGraph, &given.Graph}} {
		if v := c.getenv(o.variable); v != "" {
			*o.value = v
		}
	}
	name := c.Cloud
	if v := c.getenv(envCloud); v != "" {
		name = Cloud(v)
	} else if c.getenv(envResourceManager) != "" || name == "" && given.ResourceManager != "" {
		name = CloudCustom
	} else if name == "" {
		name = CloudPublic
	}
	c.Cloud = name

	if name != CloudCustom {
		endpoints, ok := known[name]
		if !ok {
			return []fault.Problem{{Key: "cloud", Message: fmt.Sprintf("%q is no cloud", name), Hint: "one of public, usgovernment, china, custom"}}
		}
		c.Endpoints = endpoints
		return nil
	}
	var problems []fault.Problem
	for _, e := range []struct {
		key, variable string
		value         *string
		required      bool
	}{
		{"resource_manager_endpoint", envResourceManager, &given.ResourceManager, true},
		{"authority_host", envAuthorityHost, &given.AuthorityHost, true},
		{"graph_endpoint", envGraph, &given.Graph, false},
	} {
		if *e.value == "" {
			if e.required {
				problems = append(problems, fault.Problem{Key: e.key, Message: "a custom cloud needs it", Hint: "set it, or " + e.variable})
			}
			continue
		}
		clean, message := endpoint(*e.value)
		if message != "" {
			problems = append(problems, fault.Problem{Key: e.key, Message: message, Hint: "for example https://management.example.com"})
		}
		*e.value = clean
	}
	if given.Audience == "" {
		given.Audience = given.ResourceManager
	}
	c.Endpoints = given
	return problems
}

// endpoint checks the form of an endpoint and cuts the slash at its end off.
func endpoint(text string) (clean, problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return "", fmt.Sprintf("%q is no URL", text)
	case u.Scheme != "https":
		return "", fmt.Sprintf("%q is not https, which credentials need, on loopback too", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", "the URL may have a host and a path, nothing else"
	}
	return strings.TrimRight(u.String(), "/"), ""
}

// sdk is the cloud as azidentity takes it.
func (c *Config) sdk() cloud.Configuration {
	return cloud.Configuration{
		ActiveDirectoryAuthorityHost: c.Endpoints.AuthorityHost + "/",
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Audience: c.Endpoints.Audience, Endpoint: c.Endpoints.ResourceManager},
		},
	}
}

// scope is what a token for Resource Manager is asked for. An audience that ends in a slash has two
// in its scope, as azcore has it too.
func (c *Config) scope() string { return c.Endpoints.Audience + "/.default" }

// directoryScope is what a token for Microsoft Graph is asked for.
func (c *Config) directoryScope() string { return c.Endpoints.Graph + "/.default" }
