package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

// memory is what is kept of a service and a key from one command to the next. It holds no secret: the
// key is in the file's name, as part of a hash.
type memory struct {
	KeyCheckedAt     time.Time         `json:"key_checked_at,omitzero"` // when the service took the key
	Capabilities     *api.Capabilities `json:"capabilities,omitempty"`
	CapabilitiesETag string            `json:"capabilities_etag,omitempty"`
}

// cacheDir is the folder of atg's caches, $XDG_CACHE_HOME/atg or where the system keeps a user's.
func cacheDir() (string, error) {
	if dir := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "atg"), nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "atg"), err
}

// memoryFile is where the memory of this service and key is.
func (c *RemoteClient) memoryFile() (string, error) {
	dir, err := c.options.cacheDir()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256([]byte(c.config.APIKey.Reveal()))
	fingerprint := hex.EncodeToString(key[:8])
	name := sha256.Sum256([]byte(c.base.String() + "\n" + fingerprint))
	return filepath.Join(dir, "remote-"+hex.EncodeToString(name[:16])+".json"), nil
}

// recall reads the memory. What cannot be read is as good as none.
func (c *RemoteClient) recall() (m memory) {
	file, err := c.memoryFile()
	if err != nil {
		return m
	}
	content, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(content, &m) != nil {
		return memory{}
	}
	return m
}

// remember changes the memory. That it cannot be kept costs a request the next time, and no more.
func (c *RemoteClient) remember(change func(*memory)) {
	file, err := c.memoryFile()
	if err != nil {
		return
	}
	m := c.recall()
	change(&m)
	content, err := json.Marshal(m)
	if err == nil {
		err = writeFile(file, content)
	}
	if err != nil {
		slog.Debug("the cache cannot be written", "file", file, "error", err)
	}
}

// writeFile replaces a file at once, for its owner alone.
func writeFile(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".atg-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
	return err
}
