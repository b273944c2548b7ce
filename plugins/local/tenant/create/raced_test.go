//go:build race

package create

// randomTenants is how many random tenants are made again. The race detector makes each five times as long, and sees in a few what it would see in all;
// make test makes all without it.
const randomTenants = 4
