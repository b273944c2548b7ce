package main

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var (
	stringList     = tftypes.List{ElementType: tftypes.String}
	stringMap      = tftypes.Map{ElementType: tftypes.String}
	stringListsMap = tftypes.Map{ElementType: stringList}
)

func optional(name string, kind tftypes.Type) *tfprotov6.SchemaAttribute {
	return &tfprotov6.SchemaAttribute{Name: name, Type: kind, Optional: true}
}

func computed(name string, kind tftypes.Type) *tfprotov6.SchemaAttribute {
	return &tfprotov6.SchemaAttribute{Name: name, Type: kind, Computed: true}
}

// either may be set, and is known afterwards where it is not.
func either(name string, kind tftypes.Type) *tfprotov6.SchemaAttribute {
	return &tfprotov6.SchemaAttribute{Name: name, Type: kind, Optional: true, Computed: true}
}

func required(name string, kind tftypes.Type) *tfprotov6.SchemaAttribute {
	return &tfprotov6.SchemaAttribute{Name: name, Type: kind, Required: true}
}

func retry(more ...*tfprotov6.SchemaAttribute) *tfprotov6.SchemaAttribute {
	return &tfprotov6.SchemaAttribute{Name: "retry", Optional: true, NestedType: &tfprotov6.SchemaObject{
		Nesting: tfprotov6.SchemaObjectNestingModeSingle,
		Attributes: append(more,
			optional("interval_seconds", tftypes.Number), optional("max_interval_seconds", tftypes.Number),
			optional("multiplier", tftypes.Number), optional("randomization_factor", tftypes.Number)),
	}}
}

func timeouts(names ...string) *tfprotov6.SchemaNestedBlock {
	block := &tfprotov6.SchemaBlock{}
	for _, name := range names {
		block.Attributes = append(block.Attributes, optional(name, tftypes.String))
	}
	return &tfprotov6.SchemaNestedBlock{TypeName: "timeouts", Nesting: tfprotov6.SchemaNestedBlockNestingModeSingle, Block: block}
}

func resourceSchema() *tfprotov6.Schema {
	sensitive := optional("sensitive_body", tftypes.DynamicPseudoType)
	sensitive.WriteOnly = true
	block := &tfprotov6.SchemaBlock{
		Attributes: []*tfprotov6.SchemaAttribute{
			required("type", tftypes.String),
			either("name", tftypes.String), either("parent_id", tftypes.String), either("location", tftypes.String), either("tags", stringMap),
			either("body", tftypes.DynamicPseudoType), sensitive, optional("sensitive_body_version", stringMap),
			either("ignore_casing", tftypes.Bool), either("ignore_missing_property", tftypes.Bool), either("ignore_null_property", tftypes.Bool),
			either("schema_validation_enabled", tftypes.Bool), optional("list_unique_id_property", stringMap), optional("ignore_other_items_in_list", stringList),
			optional("locks", stringList), optional("replace_triggers_external_values", tftypes.DynamicPseudoType), optional("replace_triggers_refs", stringList),
			optional("response_export_values", tftypes.DynamicPseudoType), retry(required("error_message_regex", stringList)),
			computed("id", tftypes.String), computed("output", tftypes.DynamicPseudoType),
		},
		BlockTypes: []*tfprotov6.SchemaNestedBlock{
			{TypeName: "identity", Nesting: tfprotov6.SchemaNestedBlockNestingModeList, Block: &tfprotov6.SchemaBlock{Attributes: []*tfprotov6.SchemaAttribute{
				required("type", tftypes.String), optional("identity_ids", stringList), computed("principal_id", tftypes.String), computed("tenant_id", tftypes.String),
			}}},
			timeouts("create", "read", "update", "delete"),
		},
	}
	for _, call := range []string{"create", "read", "update", "delete"} {
		block.Attributes = append(block.Attributes, optional(call+"_headers", stringMap), optional(call+"_query_parameters", stringListsMap))
	}
	return &tfprotov6.Schema{Version: 2, Block: block}
}

func dataSchema() *tfprotov6.Schema {
	return &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{
		Attributes: []*tfprotov6.SchemaAttribute{
			required("type", tftypes.String), either("name", tftypes.String), either("parent_id", tftypes.String), either("resource_id", tftypes.String),
			optional("response_export_values", tftypes.DynamicPseudoType), optional("headers", stringMap), optional("query_parameters", stringListsMap),
			retry(optional("error_message_regex", stringList)),
			computed("id", tftypes.String), computed("location", tftypes.String), computed("tags", stringMap), computed("output", tftypes.DynamicPseudoType),
			{Name: "identity", Computed: true, NestedType: &tfprotov6.SchemaObject{Nesting: tfprotov6.SchemaObjectNestingModeList, Attributes: []*tfprotov6.SchemaAttribute{
				computed("type", tftypes.String), computed("identity_ids", stringList), computed("principal_id", tftypes.String), computed("tenant_id", tftypes.String),
			}}},
		},
		BlockTypes: []*tfprotov6.SchemaNestedBlock{timeouts("read")},
	}}
}

func providerSchema() *tfprotov6.Schema {
	block := &tfprotov6.SchemaBlock{Attributes: []*tfprotov6.SchemaAttribute{
		optional("auxiliary_tenant_ids", stringList), optional("default_tags", stringMap), optional("maximum_busy_retry_attempts", tftypes.Number),
		{Name: "endpoint", Optional: true, NestedType: &tfprotov6.SchemaObject{Nesting: tfprotov6.SchemaObjectNestingModeList, Attributes: []*tfprotov6.SchemaAttribute{
			optional("active_directory_authority_host", tftypes.String), optional("resource_manager_audience", tftypes.String), optional("resource_manager_endpoint", tftypes.String),
		}}},
	}}
	for _, name := range []string{
		"client_certificate", "client_certificate_password", "client_certificate_path", "client_id", "client_id_file_path", "client_secret", "client_secret_file_path",
		"custom_correlation_request_id", "default_location", "default_name", "environment", "oidc_azure_service_connection_id", "oidc_request_token", "oidc_request_url",
		"oidc_token", "oidc_token_file_path", "partner_id", "subscription_id", "tenant_id",
	} {
		block.Attributes = append(block.Attributes, optional(name, tftypes.String))
	}
	for _, name := range []string{
		"disable_correlation_request_id", "disable_default_output", "disable_instance_discovery", "disable_terraform_partner_id", "enable_preflight",
		"ignore_no_op_changes", "skip_provider_registration", "use_aks_workload_identity", "use_cli", "use_msi", "use_oidc",
	} {
		block.Attributes = append(block.Attributes, optional(name, tftypes.Bool))
	}
	return &tfprotov6.Schema{Block: block}
}
