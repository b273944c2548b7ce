package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// layAPI lays one more API node out.
func (c *Cluster) layAPI() error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	p, err := c.layService(fmt.Sprintf("api-%d", len(c.APIs)+1), map[string]any{
		"role": "api", "listen": address, "tls": map[string]any{"cert": c.pki.certFile, "key": c.pki.keyFile},
	})
	if err != nil {
		return err
	}
	p.Address = address
	c.APIs = append(c.APIs, p)
	return nil
}

// NewWorker lays one more worker out, for its Start.
func (c *Cluster) NewWorker() (*Process, error) {
	name := fmt.Sprintf("worker-%d", len(c.Workers)+1)
	config := map[string]any{"role": "worker", "worker": map[string]any{"name": name}}
	if c.o.WorkerConfig != nil {
		config = merged(config, c.o.WorkerConfig(len(c.Workers)))
	}
	p, err := c.layService(name, config)
	if err == nil {
		c.Workers = append(c.Workers, p)
	}
	return p, err
}

// layService lays a process of atg-server out.
func (c *Cluster) layService(name string, own map[string]any) (*Process, error) {
	p := &Process{Name: name, Dir: filepath.Join(c.o.Dir, name), Path: filepath.Join(c.o.Bin, "atg-server")}
	url, err := c.natsURL(name)
	if err != nil {
		return nil, err
	}
	config := map[string]any{"data_dir": filepath.Join(p.Dir, "data"), "nats": map[string]any{
		"url": url, "ca": c.pki.caFile, "replicas": min(3, c.o.Servers),
	}}
	for _, over := range []map[string]any{own, c.o.Config} {
		config = merged(config, over)
	}
	if err := writeConfig(p.configFile(), config); err != nil {
		return nil, err
	}
	p.args = []string{"start", "--config", p.configFile()}
	p.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.Dir, "TMPDIR=" + os.TempDir(), "XDG_CONFIG_HOME=" + filepath.Join(p.Dir, "config"),
		"XDG_DATA_HOME=" + filepath.Join(p.Dir, "data"), "XDG_CACHE_HOME=" + filepath.Join(p.Dir, "cache"), "XDG_STATE_HOME=" + filepath.Join(p.Dir, "state"),
	}, c.o.Env...)
	p.ready = func(ctx context.Context, first <-chan []byte) error {
		select {
		case <-first:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return p, nil
}

func (p *Process) configFile() string { return filepath.Join(p.Dir, "server.yaml") }

// writeConfig writes a private file of configuration, as JSON, which both YAML and NATS's own form can read.
func writeConfig(file string, config map[string]any) error {
	var content bytes.Buffer
	out := json.NewEncoder(&content)
	out.SetEscapeHTML(false) // NATS knows no \u003e
	out.SetIndent("", "  ")
	return errors.Join(out.Encode(config), os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, content.Bytes(), 0o600))
}

// merged is base with the keys of over, level by level.
func merged(base, over map[string]any) map[string]any {
	all := maps.Clone(base)
	for key, value := range over {
		below, deeper := value.(map[string]any)
		if have, ok := all[key].(map[string]any); ok && deeper {
			value = merged(have, below)
		}
		all[key] = value
	}
	return all
}

// makeKey makes the key that may do everything, with the program that operators make keys with.
func (c *Cluster) makeKey(ctx context.Context) (err error) {
	c.Key, err = c.NewKey(ctx, "cluster", "--tenant", "*", "--scope", "read,submit,deploy,delete")
	return err
}

// NewKey makes one more API key: atg-server keys create NAME FLAGS.
func (c *Cluster) NewKey(ctx context.Context, name string, flags ...string) (string, error) {
	api := c.APIs[0]
	cmd := exec.CommandContext(ctx, api.Path, append([]string{"keys", "create", name, "--json", "--config", api.configFile()}, flags...)...)
	cmd.Env = api.env
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("make a key: %w\n%s", err, log.Bytes())
	}
	var made struct{ Key string }
	return made.Key, json.Unmarshal(out, &made)
}

// NodeURL is the URL of an API node, behind the balancer's back.
func (c *Cluster) NodeURL(api *Process) (string, error) {
	address, err := c.o.Link(Client, api.Name, api.Address)
	return "https://" + address, err
}

// Client trusts the cluster's authority. It keeps connections open for calls that follow.
func (c *Cluster) Client() *http.Client { return c.client }

// Call makes one call of the API, with the cluster's key: url is that of a node or of the balancer, the body, if it is not nil, goes as JSON. It
// answers the status, and reads the answer of a 2xx into what into points at, unless that is nil; another status is no error.
func (c *Cluster) Call(ctx context.Context, url, method, path string, body, into any, headers ...string) (status int, err error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		content = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, url+path, content)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+c.Key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	if err == nil && into != nil && answer.StatusCode/100 == 2 {
		err = json.Unmarshal(b, into)
	}
	return answer.StatusCode, err
}
