module github.com/azure-tenant-grapher/atg/plugins/local/armschema/generate

go 1.26
