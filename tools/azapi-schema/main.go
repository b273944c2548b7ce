// Command terraform-provider-azapi stands in for the provider of that name where it cannot be downloaded: it has the schema of
// azapi_resource, as a resource and as a data source, and of the provider's block, as their public documentation of
// version 2 describes them, and checks in a configuration what the provider itself checks without Azure. terraform
// validate is all that works with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

const resourceName = "azapi_resource"

func main() {
	if err := tf6server.Serve("registry.terraform.io/azure/azapi", func() tfprotov6.ProviderServer { return provider{} }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

type provider struct{ refusing }

var _ tfprotov6.ProviderServer = provider{}

func (provider) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	return &tfprotov6.GetMetadataResponse{
		Resources:   []tfprotov6.ResourceMetadata{{TypeName: resourceName}},
		DataSources: []tfprotov6.DataSourceMetadata{{TypeName: resourceName}},
	}, nil
}

func (provider) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{
		Provider:          providerSchema(),
		ResourceSchemas:   map[string]*tfprotov6.Schema{resourceName: resourceSchema()},
		DataSourceSchemas: map[string]*tfprotov6.Schema{resourceName: dataSchema()},
	}, nil
}

func (provider) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (provider) ValidateProviderConfig(_ context.Context, r *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (provider) ValidateResourceConfig(_ context.Context, r *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{Diagnostics: validate(r.Config, resourceSchema(), checkResource)}, nil
}

func (provider) ValidateDataResourceConfig(_ context.Context, r *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{Diagnostics: validate(r.Config, dataSchema(), checkData)}, nil
}

func (provider) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

// validate runs a check over the attributes of a configuration.
func validate(config *tfprotov6.DynamicValue, schema *tfprotov6.Schema, check func(attributes) []error) []*tfprotov6.Diagnostic {
	var found []*tfprotov6.Diagnostic
	all := attributes{}
	value, err := config.Unmarshal(schema.ValueType())
	if err == nil {
		err = value.As((*map[string]tftypes.Value)(&all))
	}
	problems := []error{err}
	if err == nil {
		problems = check(all)
	}
	for _, problem := range problems {
		if problem != nil {
			found = append(found, &tfprotov6.Diagnostic{Severity: tfprotov6.DiagnosticSeverityError, Summary: "Invalid configuration", Detail: problem.Error()})
		}
	}
	return found
}

var errRefused = errors.New("this provider has only schemas: terraform validate is all that works with it")
