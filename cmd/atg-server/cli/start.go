package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/service"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// devProfile is the profile that --dev writes for atg.
const devProfile = "dev"

type startCmd struct {
	where       `embed:""`
	Role        string `placeholder:"ROLE" env:"ATG_SERVER_ROLE" help:"What this process does: all, api or worker (default: all)."`
	Listen      string `placeholder:"HOST:PORT" env:"ATG_SERVER_LISTEN" help:"Address of the API (default: 127.0.0.1:8443)."`
	TLSCert     string `name:"tls-cert" type:"path" placeholder:"FILE" env:"ATG_SERVER_TLS_CERT" help:"PEM file with the API's certificate chain."`
	TLSKey      string `name:"tls-key" type:"path" placeholder:"FILE" env:"ATG_SERVER_TLS_KEY" help:"PEM file with its private key."`
	Dev         bool   `help:"For this machine alone: make a certificate and a key, and write the profile that atg --profile dev uses."`
	Backend     string `placeholder:"NAME" env:"ATG_SERVER_BACKEND" help:"Backend that the workers run (default: local)."`
	BackendPath string `type:"path" placeholder:"FILE" env:"ATG_SERVER_BACKEND_PATH" help:"Its program (default: beside atg-server)."`
	Concurrency *int   `placeholder:"N" env:"ATG_SERVER_CONCURRENCY" help:"Jobs that this worker does at once (default: 2)."`
	WorkerName  string `placeholder:"NAME" env:"ATG_SERVER_WORKER_NAME" help:"Name of this worker in logs and histories (default: the machine and the process)."`
}

// Help is the long help.
func (startCmd) Help() string {
	return `Runs the API, workers, or both, until it is interrupted. Without --nats-url it keeps jobs, files and keys
itself, below --data-dir. Once it runs, it prints one line of JSON on standard output. A job whose worker
ends goes on with another one.

Examples:
  atg-server start --dev
  atg-server start --config /etc/atg/server.yaml
  atg-server start --tls-cert api.pem --tls-key api.key --listen 0.0.0.0:8443
  atg-server start --role worker --nats-url tls://nats.example.com:4222 --nats-creds worker.creds`
}

// started is the line that start prints on standard output once the service runs.
type started struct {
	Role    service.Role `json:"role"`
	URL     string       `json:"url,omitempty"`
	CAFile  string       `json:"ca_file,omitempty"`
	Profile string       `json:"profile,omitempty"` // with --dev: for atg --profile
	Backend string       `json:"backend"`
	DataDir string       `json:"data_dir"`
	Worker  string       `json:"worker,omitempty"`
	Version string       `json:"version"`
}

func (c *startCmd) Run(ctx context.Context, p *Process, logger *slog.Logger) error {
	flags := given(map[string]any{
		"role": c.Role, "listen": c.Listen, "tls.cert": c.TLSCert, "tls.key": c.TLSKey, "dev": c.Dev,
		"backend.name": c.Backend, "backend.path": c.BackendPath, "worker.name": c.WorkerName,
	})
	if c.Concurrency != nil { // also 0, which is refused
		flags["worker.concurrency"] = *c.Concurrency
	}
	conf, err := c.load(p, flags)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { notify(context.WithoutCancel(ctx), p, logger, "STOPPING=1") })()
	return service.Run(ctx, conf, service.Options{Environ: p.Environ, Logger: logger, Ready: func(r service.Ready) error {
		line := started{
			Role: r.Role, URL: r.URL, CAFile: r.CAFile, Backend: r.Backend, DataDir: conf.DataDir, Worker: r.Name, Version: buildinfo.Version(),
		}
		if conf.Dev && r.URL != "" {
			if err := writeProfile(p, r); err != nil {
				return err
			}
			line.Profile = devProfile
		}
		logger.InfoContext(ctx, "ready", "role", r.Role, "url", r.URL, "data_dir", conf.DataDir)
		content, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintln(p.Out, string(content)); err == nil {
			notify(ctx, p, logger, "READY=1")
		}
		return err
	}})
}

// writeProfile writes the profile by which atg reaches a service started with --dev.
func writeProfile(p *Process, r service.Ready) error {
	paths, err := config.FindPaths("", p.Environ)
	if err != nil {
		return err
	}
	quoted := func(s string) string { // a JSON text is a YAML text
		b, _ := json.Marshal(s) // texts always have a JSON form
		return string(b)
	}
	content := "# Written by atg-server start --dev, anew each time: atg --profile " + devProfile + " reaches that service.\n" +
		"backend: remote\nbackends:\n  remote:\n    settings:\n" +
		"      service_url: " + quoted(r.URL) + "\n      ca_file: " + quoted(r.CAFile) + "\n      api_key: " + quoted(r.Key.Reveal()) + "\n"
	file := filepath.Join(paths.ProfileDir(), devProfile+".yaml")
	if err := replace(file, []byte(content)); err != nil {
		return fault.New(fault.ExecutionFailed, "the profile for atg cannot be written", fault.Because(err), fault.On(file), fault.From(fault.OriginService))
	}
	return nil
}

// replace writes a private file in one step.
func replace(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".profile-*") // 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
