package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/azure-tenant-grapher/atg/service"
	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/store"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key and print it, once."`
	List   keysListCmd   `cmd:"" help:"List the keys, without their secrets."`
	Revoke keysRevokeCmd `cmd:"" help:"End a key at once, everywhere."`
}

// open opens the keys' store: of the cluster, of the service that runs on the data folder, or of the folder itself, which
// is made if it may be a new one.
func (w where) open(ctx context.Context, p *Process, logger *slog.Logger, anew bool) (*store.Store, error) {
	c, err := w.load(p, map[string]any{"role": string(service.RoleWorker)}) // which needs no certificate
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	if c.NATS.URL != "" {
		return store.Open(ctx, service.StoreConfig(c, quiet))
	}
	if _, err := os.Stat(c.DataDir); !anew && errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.ConfigInvalid, "there is no data folder "+c.DataDir, fault.On(c.DataDir), fault.From(fault.OriginService),
			fault.Hint("name the service's with --data-dir, or its configuration with --config"))
	}
	s, err := store.Connect(ctx, service.StoreConfig(c, quiet))
	if fault.CodeOf(err) != fault.ServiceUnavailable {
		return s, err
	}
	logger.DebugContext(ctx, "no service runs on the data folder; it is opened", "data_dir", c.DataDir)
	return store.Open(ctx, service.StoreConfig(c, quiet))
}

type keysCreateCmd struct {
	where   `embed:""`
	Name    string   `arg:"" help:"Whose key it is, for people."`
	Scope   []string `enum:"read,submit,deploy,delete" default:"read,submit" help:"What it may do: read, submit (scan and generate), deploy (create-tenant), delete (snapshots)."`
	Tenant  []string `required:"" placeholder:"ID" help:"Tenant that it may touch, several times; * for every one."`
	Expires string   `placeholder:"SPAN" help:"When it ends, from now: 90d, 12h (default: never)."`
	JSON    bool     `help:"Print JSON."`
}

// Help is the long help.
func (keysCreateCmd) Help() string {
	return `Makes a key and prints it on standard output, once: the service keeps only its hash. Keys can be made while
the service runs, on its machine or, with --nats-url, wherever its cluster can be reached.

Examples:
  atg-server keys create ci --tenant 00000000-0000-0000-0000-000000000001 --expires 90d
  atg-server keys create ada --tenant '*' --scope read,submit,deploy
  atg-server keys create ci --tenant '*' --config /etc/atg/server.yaml --json`
}

func (c *keysCreateCmd) Run(ctx context.Context, p *Process, logger *slog.Logger) error {
	n := auth.NewKey{Name: c.Name, Tenants: c.Tenant}
	for _, s := range c.Scope {
		n.Scopes = append(n.Scopes, api.Scope(s))
	}
	now := time.Now().UTC()
	if c.Expires != "" {
		life, err := life(c.Expires)
		if err != nil {
			return err
		}
		n.ExpiresAt = now.Add(life)
	}
	s, err := c.open(ctx, p, logger, true)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }()
	key, made, err := auth.Issue(ctx, s, n, now)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p, struct {
			Key string `json:"key"`
			shown
		}{key.Reveal(), show(made, now)})
	}
	fmt.Fprintln(p.Err, "This is the key "+made.ID+" of "+made.Name+". It is not shown again.")
	_, err = fmt.Fprintln(p.Out, key.Reveal())
	return err
}

// life reads a span, in days as well.
func life(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := backend.ParseDuration(days); err == nil && n > 0 {
			return n / time.Second * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return 0, fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no span of time", text), fault.Hint("as 90d or 12h"))
}

type keysListCmd struct {
	where `embed:""`
	JSON  bool `help:"Print JSON."`
}

// shown is a key without its hash.
type shown struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	State     string     `json:"state"` // active, expired, revoked
	Scopes    []string   `json:"scopes"`
	Tenants   []string   `json:"tenants"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

func show(k jobs.Key, now time.Time) shown {
	s := shown{k.ID, k.Name, "active", k.Scopes, k.Tenants, k.CreatedAt, k.ExpiresAt, k.RevokedAt}
	switch {
	case k.RevokedAt != nil:
		s.State = "revoked"
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		s.State = "expired"
	}
	return s
}

// Help is the long help.
func (keysListCmd) Help() string {
	return `Lists the keys: whose they are, what they may do and where, and when they end. Never the keys themselves.

Examples:
  atg-server keys list
  atg-server keys list --json`
}

func (c *keysListCmd) Run(ctx context.Context, p *Process, logger *slog.Logger) error {
	s, err := c.open(ctx, p, logger, false)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }()
	keys, err := s.ListKeys(ctx)
	if err != nil {
		return err
	}
	all := []shown{}
	for _, k := range keys {
		all = append(all, show(k, time.Now()))
	}
	if c.JSON {
		return printJSON(p, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(p.Out, "There are no keys. Make one: atg-server keys create NAME --tenant ID")
		return err
	}
	table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSTATE\tSCOPES\tTENANTS\tEXPIRES")
	for _, k := range all {
		expires := "never"
		if k.ExpiresAt != nil {
			expires = k.ExpiresAt.Format(time.DateOnly)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.State, strings.Join(k.Scopes, ","), strings.Join(k.Tenants, ","), expires)
	}
	return table.Flush()
}

type keysRevokeCmd struct {
	where `embed:""`
	ID    string `arg:"" help:"The key's id, as keys list shows it."`
}

// Help is the long help.
func (keysRevokeCmd) Help() string {
	return `Ends a key. The next call with it is refused, at every node of the service.

Examples:
  atg-server keys revoke abcdefghij22`
}

func (c *keysRevokeCmd) Run(ctx context.Context, p *Process, logger *slog.Logger) error {
	s, err := c.open(ctx, p, logger, false)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close(context.WithoutCancel(ctx)) }()
	k, err := auth.Revoke(ctx, s, c.ID, time.Now().UTC())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Out, "%s (%s) is revoked.\n", k.ID, k.Name)
	return err
}

func printJSON(p *Process, v any) error {
	e := json.NewEncoder(p.Out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
