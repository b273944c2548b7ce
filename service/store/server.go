package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	accessFile = "nats.json"
	lockFile   = "lock"
	// maxPayload is how large a message may be: a record with thousands of artifacts. NATS advises against more.
	maxPayload = 8 << 20
	// starting is how long the embedded server may take to read its files.
	starting = 2 * time.Minute
)

// access is how programs of this machine reach the embedded server, as it stands in nats.json.
type access struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// embedded is the server in this process.
type embedded struct {
	server *server.Server
	access access
	dir    string
	lock   *os.File
}

// embed starts a server on the data folder. Each message is on the disk before it is acknowledged.
func embed(ctx context.Context, c Config) (_ *embedded, err error) {
	if c.DataDir == "" {
		return nil, fault.New(fault.ConfigInvalid, "there is no data folder", fault.From(fault.OriginService),
			fault.Hint("name a folder to keep everything in, or the URL of a NATS server"))
	}
	e := &embedded{dir: c.DataDir}
	defer func() {
		if err != nil {
			e.shutdown()
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "the data folder cannot be made", fault.Because(err), fault.On(c.DataDir), fault.From(fault.OriginService))
	}
	if e.lock, err = lock(filepath.Join(c.DataDir, lockFile)); err != nil {
		return nil, err
	}
	e.access.Token = rand.Text()
	e.server, err = server.NewServer(&server.Options{
		ServerName: "atg", Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: e.access.Token,
		JetStream: true, StoreDir: filepath.Join(c.DataDir, "jetstream"), SyncAlways: true, JetStreamMaxStore: c.MaxStore,
		MaxPayload: maxPayload,
		NoSigs:     true, NoLog: true, DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "the embedded NATS server does not start", fault.Because(err), fault.From(fault.OriginService))
	}
	log := c.Logger
	if log == nil {
		log = slog.Default()
	}
	e.server.SetLoggerV2(serverLog{log.With("part", "nats")}, false, false, false)
	e.server.Start()
	if !e.server.ReadyForConnections(starting) || !e.server.JetStreamEnabled() {
		return nil, fault.New(fault.ServiceUnavailable, "the embedded NATS server does not start", fault.On(c.DataDir), fault.From(fault.OriginService),
			fault.Hint("its log says why; a full disk and files of another user are the usual reasons"))
	}
	e.access.URL = e.server.ClientURL()
	content, err := json.Marshal(e.access)
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(c.DataDir, accessFile), content); err != nil {
		return nil, fault.New(fault.ServiceUnavailable, "the data folder cannot be written", fault.Because(err), fault.On(c.DataDir), fault.From(fault.OriginService))
	}
	return e, ctx.Err()
}

// shutdown stops the server, which writes what it has yet to write, and frees the folder.
func (e *embedded) shutdown() {
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
		_ = os.Remove(filepath.Join(e.dir, accessFile))
	}
	if e.lock != nil {
		_ = e.lock.Close() // which unlocks it
	}
}

// lock keeps other servers away from a folder for as long as the file is open.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = exclusive(f)
	}
	if err == nil {
		return f, nil
	}
	if f != nil {
		_ = f.Close()
	}
	dir := filepath.Dir(path)
	if errors.Is(err, errLocked) {
		return nil, fault.New(fault.Conflict, fmt.Sprintf("another server is running on %s", dir), fault.On(dir), fault.From(fault.OriginService),
			fault.Hint("stop it, or give this one a folder of its own"))
	}
	return nil, fault.New(fault.ConfigInvalid, "the data folder cannot be locked", fault.Because(err), fault.On(dir), fault.From(fault.OriginService))
}

// errLocked says that somebody else has locked the file.
var errLocked = errors.New("locked by another process")

// writeFile writes a file for this user alone, whole or not at all.
func writeFile(path string, content []byte) error {
	temporary := path + ".new"
	_ = os.Remove(temporary)
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// readAccess reads nats.json.
func readAccess(path string) (access, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return access{}, notRunning(filepath.Dir(path), err)
	}
	var a access
	if err == nil {
		err = json.Unmarshal(content, &a)
	}
	if err != nil {
		return access{}, fault.New(fault.ServiceUnavailable, "the access to the running server cannot be read", fault.Because(err), fault.On(path),
			fault.From(fault.OriginService), fault.Hint("only the user who runs the server may read it"))
	}
	return a, nil
}

func notRunning(dir string, err error) error {
	return fault.New(fault.ServiceUnavailable, fmt.Sprintf("no server is running on %s", dir), fault.Because(err), fault.On(dir),
		fault.From(fault.OriginService), fault.Hint("start atg-server with this data folder first"))
}

// serverLog takes what the embedded server logs.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
