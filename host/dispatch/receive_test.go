package dispatch

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var withFiles = backend.Capabilities{
	Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureArtifacts, backend.FeatureDurableJobs},
}

// TestGoOn: what a download left behind is there when it is tried again, and nothing is left in the end.
func TestGoOn(t *testing.T) {
	dir := t.TempDir()
	want := write(t, t.TempDir(), "a.tf", "whole")
	ctx, cancel := context.WithCancelCause(t.Context())
	var found []string
	f := &fake{can: withFiles, artifacts: []backend.Artifact{want}}
	f.download = func(staging string) ([]backend.Artifact, error) {
		entries, err := os.ReadDir(staging)
		if err != nil {
			return nil, err
		}
		found = nil
		for _, e := range entries {
			found = append(found, e.Name())
		}
		if len(entries) == 0 {
			write(t, staging, "a.part", "who")
			cancel(interrupted)
			return nil, context.Canceled
		}
		return []backend.Artifact{write(t, staging, "a.tf", "whole")}, nil
	}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	if _, err := d.Download(ctx, "job-1", Ending{OutputDir: dir}); fault.CodeOf(err) != fault.Interrupted {
		t.Fatalf("got %v", err)
	}
	if _, err := d.Download(t.Context(), "job-1", Ending{OutputDir: dir}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.part"}, found); diff != "" {
		t.Errorf("the second one found (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a.tf": "whole"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, stagingPrefix+"*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestWhatIsKept: what may be of use later, and nothing that is not to be trusted.
func TestWhatIsKept(t *testing.T) {
	for _, tc := range []struct {
		name string
		can  backend.Capabilities
		err  error
		mine bool // a file of the user's comes in between
		code fault.Code
		kept bool
	}{
		{"connection lost", withFiles, fault.New(fault.ServiceUnavailable, "lost"), false, fault.ServiceUnavailable, true},
		{"a file in the way, meanwhile", withFiles, nil, true, fault.Conflict, true},
		{"not what it should be", withFiles, fault.New(fault.Integrity, "oh"), false, fault.Integrity, false},
		{"job ends with the command", backend.Capabilities{Operations: withFiles.Operations, Features: withFiles.Features[:1]}, fault.New(fault.ServiceUnavailable, "lost"), false, fault.ServiceUnavailable, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			f := &fake{can: tc.can}
			f.artifacts = []backend.Artifact{write(t, t.TempDir(), "a.tf", "whole")}
			f.download = func(staging string) ([]backend.Artifact, error) {
				if tc.mine {
					write(t, dir, "a.tf", "mine")
				}
				return []backend.Artifact{write(t, staging, "a.tf", "whole")}, tc.err
			}
			d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
			_, err := d.ExecuteScan(t.Context(), &backend.ScanRequest{}, Task{Ending: Ending{OutputDir: dir}})
			left, _ := filepath.Glob(filepath.Join(dir, stagingPrefix+"*"))
			if fault.CodeOf(err) != tc.code || (len(left) == 1) != tc.kept || len(left) > 1 {
				t.Errorf("got %v; left %q", err, left)
			}
			if tc.mine && tree(t, dir)["a.tf"] != "mine" {
				t.Errorf("files %v", tree(t, dir))
			}
		})
	}
}

// TestTwoDownloads: the second waits for the first, and is not kept from being interrupted.
func TestTwoDownloads(t *testing.T) {
	s := &Session{Name: "fake", Capabilities: withFiles}
	name := filepath.Join(t.TempDir(), "x.lock")
	first, err := s.claim(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	if _, err := s.claim(ctx, name); fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("got %v", err)
	}
	claimed := make(chan error)
	go func() {
		second, err := s.claim(t.Context(), name)
		if err == nil {
			_, err = os.Lstat(name) // a lock on a file that is gone is none
			_ = second.Close()
		}
		claimed <- err
	}()
	select {
	case err := <-claimed:
		t.Fatalf("both have it: %v", err)
	default:
	}
	_ = os.Remove(name)
	_ = first.Close()
	if err := <-claimed; err != nil {
		t.Error(err)
	}
}

// TestBundledBackendsCheck: theirs is not read a second time; anybody else's is.
func TestBundledBackendsCheck(t *testing.T) {
	for name, trusted := range map[string]bool{Local: true, Remote: true, "acme": false} {
		dir := t.TempDir()
		a := write(t, dir, "a.tf", "whole")
		s := &Session{Name: name}
		if err := s.verify(dir, a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		a.SHA256 = strings.Repeat("0", 64)
		if err := s.verify(dir, a); (err == nil) != trusted {
			t.Errorf("%s: another checksum: %v", name, err)
		}
		a.Size++
		if err := s.verify(dir, a); err == nil {
			t.Errorf("%s: another size is taken", name)
		}
	}
}

// The same command again would end the same way: the hint names another folder.
func TestAnUnwritableFolder(t *testing.T) {
	f := &fake{can: withFiles, artifacts: []backend.Artifact{{Path: "a.tf", SHA256: strings.Repeat("a", 64)}}}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	_, err := d.Download(t.Context(), "job-1", Ending{OutputDir: "/proc/atg"}) // where not even root can make one
	want := "make it writable for yourself, or choose another folder\nthe job is done; get its files: atg --backend fake job download job-1 --output-dir DIR"
	if fault.CodeOf(err) != fault.ExecutionFailed || fault.As(err).Hint != want {
		t.Errorf("the answer is %v, hint %q", err, fault.Of(err).Hint)
	}
}
