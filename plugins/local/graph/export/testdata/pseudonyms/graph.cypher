// Azure tenant 00000000-0000-4000-8000-000000000001, exported by atg. Values that look like secrets are left out.
// Names, ids and addresses are pseudonyms.
CREATE CONSTRAINT azure_node_key IF NOT EXISTS FOR (n:AzureNode) REQUIRE n.key IS UNIQUE;
UNWIND [
{key: '/providers/microsoft.authorization/roledefinitions/roledefinition1', id: '/providers/Microsoft.Authorization/roleDefinitions/roledefinition1', kind: 'role_definition', state: 'present', name: 'role-1', type: 'microsoft.authorization/roledefinitions', properties: '{"permissions":[{"actions":["value-1"]}],"roleName":"role-1","type":"CustomRole"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:RoleDefinition;
UNWIND [
{key: '/subscriptions/00000000-0000-4000-8000-000000000002', id: '/subscriptions/00000000-0000-4000-8000-000000000002', kind: 'subscription', state: 'present', name: 'subscription1', type: 'microsoft.resources/subscriptions', subscription_id: '00000000-0000-4000-8000-000000000002'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Subscription;
UNWIND [
{key: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1', id: '/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1', kind: 'resource_group', state: 'present', name: 'resourcegroup1', type: 'microsoft.resources/subscriptions/resourcegroups', resource_group: 'resourcegroup1', subscription_id: '00000000-0000-4000-8000-000000000002', tags: '{"owner":"user1@example.com"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:ResourceGroup;
UNWIND [
{key: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/virtualmachines/vm1', id: '/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1/providers/Microsoft.Compute/virtualMachines/vm1', kind: 'resource', state: 'present', name: 'vm1', type: 'microsoft.compute/virtualmachines', location: 'westeurope', resource_group: 'resourcegroup1', subscription_id: '00000000-0000-4000-8000-000000000002', api_version: '2024-07-01', tags: '{"env":"value-3","key-1":"value-2"}', properties: '{"ip":"10.53.228.3","n":12345678901234567890,"name":"vm1","nested":{"deep":[1,2.50,true,null]},"osProfile":{"adminPassword":"(secret)","computerName":"vm1"},"vmId":"00000000-0000-4000-8000-000000000003"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_compute_virtualmachines;
UNWIND [
{key: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/virtualmachines/vm1/extensions/extension1', id: '/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1/providers/Microsoft.Compute/virtualMachines/vm1/extensions/extension1', kind: 'resource', state: 'present', name: 'extension1', type: 'microsoft.compute/virtualmachines/extensions', resource_group: 'resourcegroup1', subscription_id: '00000000-0000-4000-8000-000000000002'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_compute_virtualmachines_extensions;
UNWIND [
{key: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.web/sites/site1', id: '/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1/providers/Microsoft.Web/sites/site1', kind: 'resource', state: 'present', name: 'site1', type: 'microsoft.web/sites', location: 'North Europe', resource_group: 'resourcegroup1', subscription_id: '00000000-0000-4000-8000-000000000002', properties: '{"appSettings":[{"name":"appsetting1","value":"(secret)"},{"name":"appsetting2","value":"value-4"}],"disk":"/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1/providers/Microsoft.Compute/disks/disk1","url":"https://host1.example.com/","vm":"/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1/providers/Microsoft.Compute/virtualMachines/vm1"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_web_sites;
UNWIND [
{key: '/tenants/00000000-0000-4000-8000-000000000001', id: '/tenants/00000000-0000-4000-8000-000000000001', kind: 'tenant', state: 'present', name: 'tenant1'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Tenant;
UNWIND [
{key: '00000000-0000-4000-8000-000000000004', id: '00000000-0000-4000-8000-000000000004', kind: 'user', state: 'present', name: 'user1', login: 'user1@example.com', enabled: true, raw: '{"displayName":"user1","userPrincipalName":"user1@example.com"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Identity:User;
UNWIND [
{key: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/disks/disk1', id: '/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/resourcegroup1/providers/Microsoft.Compute/disks/disk1', kind: 'resource', state: 'missing', name: 'disk1', type: 'microsoft.compute/disks', resource_group: 'resourcegroup1', subscription_id: '00000000-0000-4000-8000-000000000002'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_compute_disks;
UNWIND [
{a: '/subscriptions/00000000-0000-4000-8000-000000000002', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/virtualmachines/vm1', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.web/sites/site1', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/virtualmachines/vm1', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/virtualmachines/vm1/extensions/extension1', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/tenants/00000000-0000-4000-8000-000000000001', b: '/subscriptions/00000000-0000-4000-8000-000000000002', property: '', detail: '', rule: 'containment', reversed: false}
] AS row MATCH (a:AzureNode {key: row.a}) MATCH (b:AzureNode {key: row.b}) MERGE (a)-[r:CONTAINS {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;
UNWIND [
{a: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.web/sites/site1', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/virtualmachines/vm1', property: 'properties.vm', detail: '', rule: 'reference', reversed: false},
{a: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.web/sites/site1', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1/providers/microsoft.compute/disks/disk1', property: 'properties.disk', detail: '', rule: 'reference', reversed: false}
] AS row MATCH (a:AzureNode {key: row.a}) MATCH (b:AzureNode {key: row.b}) MERGE (a)-[r:REFERS_TO {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;
UNWIND [
{a: '00000000-0000-4000-8000-000000000004', b: '/subscriptions/00000000-0000-4000-8000-000000000002/resourcegroups/resourcegroup1', property: 'properties.scope', detail: 'role-1', rule: 'role-assignment', reversed: false}
] AS row MATCH (a:AzureNode {key: row.a}) MATCH (b:AzureNode {key: row.b}) MERGE (a)-[r:HAS_ROLE {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;
