//go:build unix

// Package e2e runs scripts over the real programs: atg, its local backend as a process of its own, and
// the Azure simulator. The test binary is each of the programs, under its name.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/azure-tenant-grapher/atg/host/cli"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/plugins/remote"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

func TestMain(m *testing.M) {
	// Scripts mostly wait: for processes, for retries. More of them than there are processors can do so at a time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	// What the environment of the test says about Azure or atg must not reach the scripts; they
	// start from an environment of their own, which inherits only PATH.
	testscript.Main(m, map[string]func(){
		"atg":                func() { os.Exit(cli.Main(context.Background(), cli.OS())) }, //nolint:forbidigo // this is the main of atg
		"atg-backend-local":  func() { serve.Backend(local.New()) },
		"atg-backend-remote": func() { serve.Backend(remote.New()) },
		"atg-backend-plain":  func() { serve.Backend(newPlain()) },
		"atg-server":         runServer,
	})
}

func TestScripts(t *testing.T) {
	folders, err := filepath.Glob("testdata/script/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, dir := range folders {
		t.Run(filepath.Base(dir), func(t *testing.T) { runScripts(t, dir, nil) })
	}
}

// runScripts runs the scripts of a folder, which know the commands of all and more.
func runScripts(t *testing.T, dir string, more map[string]func(*testscript.TestScript, bool, []string)) {
	t.Helper()
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"sim": startSimulator, "inject": inject, "hold": hold, "await": await, "release": release,
		"exits": exits, "background": background, "signal": signalProcess, "ends": ends, "says": says,
		"kill-backend": killBackend, "server": startServer, "curl": curl, "gone": gone, "key": useKey, "secret": useSecret, "jobid": jobID, "snapshotid": snapshotID, "no-secret-processes": noSecretProcesses, "no-secret-files": noSecretFiles, "network": network, "trouble": trouble, "freeze-backend": freezeBackend, "no-backends": noBackends, "hello": installHello, "json": checkJSON,
		"kept": kept, "forget": forget, "asked": asked, "same-content": sameContent, "heal": heal, "damage": damage,
		"rollbackid": rollbackID, "same-digest": sameDigest, "deployedby": deployedBy, "mentions": mentions, "numberof": numberOf, "count": count, "each-mentions": eachMentions, "same-files": sameFiles,
		"registry": startRegistry, "field": setField, "tamper": tamper, "minisign": signFile, "secrets": giveSecrets, "same-spec": sameSpec, "terminal": atTerminal,
	}
	maps.Copy(commands, more)
	testscript.Run(t, testscript.Params{
		Dir: dir, Setup: func(e *testscript.Env) error { return setup(t.Context(), e) }, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: commands,
	})
}

// setup gives a script a home of its own, and nothing of the machine's.
func setup(ctx context.Context, e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	tmp := filepath.Join(e.WorkDir, "tmp")
	for _, dir := range []string{home, tmp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("set up: %w", err)
		}
	}
	e.Vars = append(e.Vars,
		"HOME="+home, "TMPDIR="+tmp, "XDG_CONFIG_HOME="+filepath.Join(home, "config"), "XDG_DATA_HOME="+filepath.Join(home, "data"),
		"XDG_CACHE_HOME="+filepath.Join(home, "cache"), "XDG_STATE_HOME="+filepath.Join(home, "state"), "TZ=UTC",
		"PROGRAMS="+filepath.SplitList(e.Getenv("PATH"))[0], // where testscript has put atg and the others
		"ATG_KEYRING=off", // the machine's own is none of a script's business
	)
	e.Values[stateKey] = &state{ctx: ctx, processes: map[string]*process{}, home: home}
	return nil
}
