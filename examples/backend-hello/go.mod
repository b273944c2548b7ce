module example.com/atg-backend-hello

go 1.26.0

require github.com/azure-tenant-grapher/atg v0.0.0

// A backend of your own names a released version instead.
replace github.com/azure-tenant-grapher/atg => ../..
