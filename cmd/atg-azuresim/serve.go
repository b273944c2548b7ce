package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

type serveCmd struct {
	Listen   string `default:"127.0.0.1:0" help:"TCP address to listen on."`
	StateDir string `help:"Folder for the CA certificate and the state that 'env' reads (default: in the user's runtime or temporary folder)." type:"path"`

	Synthetic         int    `placeholder:"N" help:"Serve N generated resources instead of Contoso." xor:"tenant"`
	TenantFile        string `placeholder:"FILE.jsonl" help:"Serve the rows of a file instead of Contoso." type:"existingfile" xor:"tenant"`
	Empty             bool   `help:"Serve a tenant without subscriptions, or with --subscriptions K in which nothing is: something to deploy into." xor:"tenant"`
	WithoutResources  bool   `help:"Serve the subscriptions and management groups of the tenant, and none of its resource groups and resources: the same tenant, to deploy into."`
	WithoutIdentities bool   `help:"Serve the tenant without its users, groups and applications, but for the one that signs in."`
	Users             int    `default:"-1" placeholder:"N" help:"Number of users of --synthetic (default: 1000)."`
	Members           int    `default:"-1" placeholder:"N" help:"Number of members of the largest group of --synthetic (default: 100)."`
	Seed              uint64 `default:"1" help:"Seed of --synthetic and --latency-spread; the same seed gives the same tenant."`
	Subscriptions     int    `default:"-1" placeholder:"K" help:"Number of subscriptions of --synthetic (default: 4) or --empty (default: none)."`

	ClientID           string        `help:"Application that may sign in." default:"a7c0f3de-0000-4000-8000-00000000a001"`
	MoreClientIDs      []string      `name:"more-client-ids" placeholder:"ID" help:"Further applications that may sign in with the same secret: principals with limits of their own."`
	ClientSecretFile   string        `help:"File with the application's secret (default: a random one)." type:"existingfile"`
	Role               string        `default:"owner" enum:"owner,contributor,reader" help:"What the applications may do in every subscription: owner, contributor or reader."`
	TokenLifetime      time.Duration `default:"1h" help:"How long access tokens last."`
	Quota              int           `default:"15" help:"Resource Graph queries per window and principal; 0 for no limit."`
	QuotaWindow        time.Duration `default:"5s" help:"Length of the quota's window."`
	ARMLimits          bool          `default:"true" negatable:"" help:"Limit calls to Resource Manager as Azure does."`
	ARMBucket          int           `default:"250" help:"Reads that Resource Manager lets a principal make at once, per subscription and region."`
	ARMRate            float64       `default:"25" help:"Reads that it gains in a second."`
	WriteBucket        int           `default:"200" help:"Writes, and deletes, that it lets a principal make at once."`
	WriteRate          float64       `default:"10" help:"Writes, and deletes, that it gains in a second."`
	WriteTime          time.Duration `help:"How long a deployment takes to write a resource."`
	RetryAfter         int           `default:"1" placeholder:"SECONDS" help:"After how long clients shall ask again for a deployment that goes on."`
	StrictVersions     bool          `help:"Take in writes only the versions of types that are listed, not any that could be one."`
	MSGraphLimits      bool          `name:"msgraph-limits" default:"true" negatable:"" help:"Limit calls to Microsoft Graph as Azure does."`
	MSGraphUnits       int           `name:"msgraph-units" placeholder:"N" help:"Resource units of Microsoft Graph that an application may spend in ten seconds (default: as documented for a tenant of that size)."`
	MSGraphPermissions []string      `name:"msgraph-permissions" placeholder:"NAME" help:"Application permissions that Microsoft Graph grants; none for no permission (default: all that it asks for)."`
	Regions            []string      `default:"westeurope" help:"Regions of Resource Manager that connections reach in turn, each with limits of its own."`
	PageSize           int           `default:"1000" help:"Items on a page of Resource Manager's lists."`
	Latency            time.Duration `help:"Delay of every answer."`
	LatencySpread      time.Duration `help:"Longest random delay on top, drawn by --seed."`
	Faults             string        `placeholder:"FILE.json" help:"Faults to inject from the start: errors, throttling, slow, cut or garbled answers, denied and hidden subscriptions, Resource Graph or tables of it absent, duplicate rows, mixed case, sets that change (see the README)." type:"existingfile"`
	Control            bool          `help:"Serve the endpoints under /_sim/ that inject faults, change limits and latency, and report requests and changes."`

	UntilStdinCloses bool `help:"Stop when standard input ends."`
	Verbose          bool `short:"v" help:"Log every request on standard error."`
}

// ready is the line that serve prints on standard output, and the state file of env.
type ready struct {
	Address  string            `json:"address"`
	TenantID string            `json:"tenant_id"`
	ClientID string            `json:"client_id"`
	CAFile   string            `json:"ca_file"`
	Env      map[string]string `json:"env"`
}

func (c *serveCmd) Run(ctx context.Context, std *streams) error {
	config, err := c.config(std)
	if err != nil {
		return err
	}
	server, err := azuresim.New(config)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	return errors.Join(c.serve(ctx, std, server), server.Close())
}

// serve announces the simulator and waits for its end.
func (c *serveCmd) serve(ctx context.Context, std *streams, server *azuresim.Server) error {
	if err := c.injectFaults(server); err != nil {
		return err
	}
	line, err := json.Marshal(ready{
		Address: server.Address(), TenantID: server.Tenant().ID, ClientID: server.ClientID(),
		CAFile: server.CAFile(), Env: server.Env(),
	})
	if err != nil {
		return err
	}
	dir, err := stateDir(c.StateDir)
	if err != nil {
		return err
	}
	if err := writeState(dir, line); err != nil {
		return err
	}
	defer removeState(dir, line)
	if _, err := fmt.Fprintln(std.out, string(line)); err != nil {
		return fmt.Errorf("announce the simulator: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.UntilStdinCloses {
		go func() {
			defer cancel()
			io.Copy(io.Discard, std.in) //nolint:errcheck // any end will do
		}()
	}
	<-ctx.Done()
	return nil
}

func (c *serveCmd) injectFaults(server *azuresim.Server) error {
	if c.Faults == "" {
		return nil
	}
	file, err := os.Open(c.Faults)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	var faults azuresim.Faults
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&faults); err != nil {
		return fmt.Errorf("read %s: %w", c.Faults, err)
	}
	_, err = server.Inject(faults)
	return err
}

func (c *serveCmd) config(std *streams) (azuresim.Config, error) {
	config := azuresim.Config{
		Listen: c.Listen, StateDir: c.StateDir, ClientID: c.ClientID, MoreClientIDs: c.MoreClientIDs, Role: azuresim.Role(c.Role), TokenLifetime: c.TokenLifetime,
		Quota: c.Quota, QuotaWindow: c.QuotaWindow, NoARMLimits: !c.ARMLimits,
		ARMBucket: c.ARMBucket, ARMRate: c.ARMRate, WriteBucket: c.WriteBucket, WriteRate: c.WriteRate, WriteTime: c.WriteTime,
		NoMSGraphLimits: !c.MSGraphLimits, MSGraphUnits: c.MSGraphUnits, MSGraphPermissions: c.MSGraphPermissions,
		StrictVersions: c.StrictVersions, RetryAfter: c.RetryAfter, Regions: c.Regions,
		PageSize: c.PageSize, Latency: c.Latency, LatencySpread: c.LatencySpread, Seed: c.Seed, Control: c.Control,
	}
	if c.RetryAfter == 0 {
		config.RetryAfter = -1
	}
	if c.Quota == 0 {
		config.Quota = -1
	}
	if c.Verbose {
		config.Log = slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if c.ClientSecretFile != "" {
		secret, err := os.ReadFile(c.ClientSecretFile)
		if err != nil {
			return config, err
		}
		config.ClientSecret = strings.TrimSpace(string(secret))
	}
	var err error
	config.Tenant, err = c.tenant()
	return config, err
}

func (c *serveCmd) tenant() (*tenant.Tenant, error) {
	t, err := c.fullTenant()
	if err == nil && c.WithoutResources {
		t, err = t.Emptied()
	}
	if err == nil && c.WithoutIdentities {
		t, err = t.WithoutIdentities()
	}
	return t, err
}

func (c *serveCmd) fullTenant() (*tenant.Tenant, error) {
	switch {
	case c.Empty:
		return tenant.EmptyWith(max(0, c.Subscriptions), c.Seed)
	case c.TenantFile != "":
		file, err := os.Open(c.TenantFile)
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // read only
		t, err := tenant.Load(file, tenant.ContosoID)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.TenantFile, err)
		}
		return t, nil
	case c.Synthetic > 0:
		subscriptions := c.Subscriptions
		if subscriptions < 0 {
			subscriptions = 4
		}
		return tenant.Synthetic(tenant.SyntheticOptions{
			Resources: c.Synthetic, Subscriptions: subscriptions, Seed: c.Seed, Users: sizeOf(c.Users), Members: sizeOf(c.Members),
		})
	}
	return tenant.Contoso()
}

// sizeOf is a number of SyntheticOptions, where 0 is the usual one, of one of a flag, where -1 is.
func sizeOf(flag int) int {
	switch {
	case flag < 0:
		return 0
	case flag == 0:
		return -1
	}
	return flag
}
