package service

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// devKey is the key of --dev. It is kept in a file, so that the jobs of one start are seen after the next.
func devKey(ctx context.Context, keys jobs.Keys, file string) (secret.String, error) {
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secret.String{}, fault.New(fault.ExecutionFailed, "the key of --dev cannot be read", fault.Because(err), fault.On(file), fault.From(fault.OriginService))
	}
	if err == nil {
		if _, err := auth.New(auth.Options{Keys: keys}).Check(ctx, "Bearer "+string(content), ""); err == nil {
			return secret.New(string(content)), nil
		}
	}
	key, _, err := auth.Issue(ctx, keys, auth.NewKey{Name: "dev", Scopes: api.Scopes(), Tenants: []string{auth.AllTenants}}, time.Now())
	if err != nil {
		return key, err
	}
	if err := os.WriteFile(file, []byte(key.Reveal()), 0o600); err != nil {
		return key, fault.New(fault.ExecutionFailed, "the key of --dev cannot be kept", fault.Because(err), fault.On(file), fault.From(fault.OriginService))
	}
	return key, nil
}
