package rpc_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// Authors in other languages have nothing but the page: it names everything that it must.
func TestThePageNamesEverything(t *testing.T) {
	content, err := os.ReadFile("../../docs/backend-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	names := []string{
		rpc.Handshake.MagicCookieKey, rpc.Handshake.MagicCookieValue, rpc.LogLevelEnv, rpc.FaultTrailer, v1.Backend_ServiceDesc.ServiceName,
	}
	for _, c := range fault.Codes() {
		names = append(names, string(c))
	}
	for _, op := range backend.Operations() {
		names = append(names, string(op))
	}
	for _, f := range []backend.Feature{
		backend.FeatureDurableJobs, backend.FeatureListJobs, backend.FeatureBatch, backend.FeatureInputs, backend.FeatureArtifacts,
		backend.FeatureSnapshots, backend.FeatureParts, backend.FeatureShards, backend.FeatureBudget,
	} {
		names = append(names, string(f))
	}
	for _, k := range []backend.EventKind{backend.EventProgress, backend.EventLog, backend.EventStatus, backend.EventPart, backend.EventSignIn} {
		names = append(names, string(k))
	}
	for _, s := range []backend.JobStatus{backend.JobPending, backend.JobRunning, backend.JobCompleted, backend.JobFailed, backend.JobCancelled} {
		names = append(names, string(s))
	}
	for _, s := range []backend.CheckState{backend.CheckPassed, backend.CheckFailed, backend.CheckSkipped} {
		names = append(names, string(s))
	}
	for _, name := range names {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("the page does not name `%s`", name)
		}
	}
	for _, limit := range []string{
		fmt.Sprintf("%d MiB, atg's limit in both directions", rpc.MaxMessage>>20), fmt.Sprintf("at most %d", backend.MaxBatch),
		fmt.Sprintf("at most %d entries", backend.MaxOmitted), fmt.Sprintf("at most %d `findings`", backend.MaxFindings),
		fmt.Sprintf("below %d KiB", rpc.MaxFault>>10), fmt.Sprintf("headers over %d MiB", rpc.MaxTrailer>>20), fmt.Sprintf("now `%d`", backend.Protocol),
	} {
		if !strings.Contains(page, limit) {
			t.Errorf("the page does not say %q", limit)
		}
	}
}
