// Azure tenant 11111111-0000-4000-8000-000000000000, exported by atg. Values that look like secrets are left out.
CREATE CONSTRAINT azure_node_key IF NOT EXISTS FOR (n:AzureNode) REQUIRE n.key IS UNIQUE;
UNWIND [
{key: '/providers/microsoft.authorization/roledefinitions/r1', id: '/providers/Microsoft.Authorization/roleDefinitions/r1', kind: 'role_definition', state: 'present', name: 'Shop Keeper', type: 'microsoft.authorization/roledefinitions', properties: '{"permissions":[{"actions":["*/read"]}],"roleName":"Shop Keeper","type":"CustomRole"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:RoleDefinition;
UNWIND [
{key: '/subscriptions/22222222-0000-4000-8000-000000000000', id: '/subscriptions/22222222-0000-4000-8000-000000000000', kind: 'subscription', state: 'present', name: 'Production', type: 'microsoft.resources/subscriptions', subscription_id: '22222222-0000-4000-8000-000000000000'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Subscription;
UNWIND [
{key: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop', id: '/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop', kind: 'resource_group', state: 'present', name: 'rg-Shop', type: 'microsoft.resources/subscriptions/resourcegroups', resource_group: 'rg-shop', subscription_id: '22222222-0000-4000-8000-000000000000', tags: '{"owner":"ada@contoso.com"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:ResourceGroup;
UNWIND [
{key: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/virtualmachines/vm-1', id: '/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop/providers/Microsoft.Compute/virtualMachines/vm-1', kind: 'resource', state: 'present', name: 'vm-1', type: 'microsoft.compute/virtualmachines', location: 'westeurope', resource_group: 'rg-shop', subscription_id: '22222222-0000-4000-8000-000000000000', api_version: '2024-07-01', tags: '{"cost center":"Contoso-4711","env":"prod"}', properties: '{"ip":"10.1.2.3","n":12345678901234567890,"name":"vm-1","nested":{"deep":[1,2.50,true,null]},"osProfile":{"adminPassword":"(secret)","computerName":"vm-1"},"vmId":"99999999-0000-4000-8000-000000000099"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_compute_virtualmachines;
UNWIND [
{key: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/virtualmachines/vm-1/extensions/agent', id: '/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop/providers/Microsoft.Compute/virtualMachines/vm-1/extensions/agent', kind: 'resource', state: 'present', name: 'agent', type: 'microsoft.compute/virtualmachines/extensions', resource_group: 'rg-shop', subscription_id: '22222222-0000-4000-8000-000000000000'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_compute_virtualmachines_extensions;
UNWIND [
{key: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.web/sites/shop', id: '/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop/providers/Microsoft.Web/sites/shop', kind: 'resource', state: 'present', name: 'shop', type: 'microsoft.web/sites', location: 'North Europe', resource_group: 'rg-shop', subscription_id: '22222222-0000-4000-8000-000000000000', properties: '{"appSettings":[{"name":"API_KEY","value":"(secret)"},{"name":"MODE","value":"fast"}],"disk":"/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop/providers/Microsoft.Compute/disks/gone","url":"https://shop.contoso.com/x","vm":"/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop/providers/Microsoft.Compute/virtualMachines/vm-1"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_web_sites;
UNWIND [
{key: '/tenants/11111111-0000-4000-8000-000000000000', id: '/tenants/11111111-0000-4000-8000-000000000000', kind: 'tenant', state: 'present', name: 'Contoso Ltd'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Tenant;
UNWIND [
{key: 'aaaaaaaa-0000-4000-8000-000000000001', id: 'aaaaaaaa-0000-4000-8000-000000000001', kind: 'user', state: 'present', name: 'Ada Lovelace', login: 'ada@contoso.com', enabled: true, raw: '{"displayName":"Ada Lovelace","userPrincipalName":"ada@contoso.com"}'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Identity:User;
UNWIND [
{key: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/disks/gone', id: '/subscriptions/22222222-0000-4000-8000-000000000000/resourceGroups/rg-Shop/providers/Microsoft.Compute/disks/gone', kind: 'resource', state: 'missing', name: 'gone', type: 'microsoft.compute/disks', resource_group: 'rg-shop', subscription_id: '22222222-0000-4000-8000-000000000000'}
] AS row MERGE (n:AzureNode {key: row.key}) SET n += row SET n:Resource:microsoft_compute_disks;
UNWIND [
{a: '/subscriptions/22222222-0000-4000-8000-000000000000', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/virtualmachines/vm-1', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.web/sites/shop', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/virtualmachines/vm-1', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/virtualmachines/vm-1/extensions/agent', property: '', detail: '', rule: 'containment', reversed: false},
{a: '/tenants/11111111-0000-4000-8000-000000000000', b: '/subscriptions/22222222-0000-4000-8000-000000000000', property: '', detail: '', rule: 'containment', reversed: false}
] AS row MATCH (a:AzureNode {key: row.a}) MATCH (b:AzureNode {key: row.b}) MERGE (a)-[r:CONTAINS {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;
UNWIND [
{a: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.web/sites/shop', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/virtualmachines/vm-1', property: 'properties.vm', detail: '', rule: 'reference', reversed: false},
{a: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.web/sites/shop', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop/providers/microsoft.compute/disks/gone', property: 'properties.disk', detail: '', rule: 'reference', reversed: false}
] AS row MATCH (a:AzureNode {key: row.a}) MATCH (b:AzureNode {key: row.b}) MERGE (a)-[r:REFERS_TO {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;
UNWIND [
{a: 'aaaaaaaa-0000-4000-8000-000000000001', b: '/subscriptions/22222222-0000-4000-8000-000000000000/resourcegroups/rg-shop', property: 'properties.scope', detail: 'Shop Keeper', rule: 'role-assignment', reversed: false}
] AS row MATCH (a:AzureNode {key: row.a}) MATCH (b:AzureNode {key: row.b}) MERGE (a)-[r:HAS_ROLE {property: row.property, detail: row.detail}]->(b) SET r.rule = row.rule, r.reversed = row.reversed;
