//go:build !race

package create

// randomTenants is how many random tenants are made again.
const randomTenants = 20
