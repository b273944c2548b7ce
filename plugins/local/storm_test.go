package local_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// through puts a server between the backend and the simulator's Resource Manager.
func through(t *testing.T, settings backend.Settings, sim *azuresim.Server, handler http.Handler) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	own, err := os.ReadFile(sim.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(t.TempDir(), "both.pem")
	own = append(own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
	if err := os.WriteFile(both, own, 0o600); err != nil {
		t.Fatal(err)
	}
	settings["ca_file"], settings["resource_manager_endpoint"], settings["resource_manager_audience"] = both, server.URL, sim.URL()
}

// storm is a bad way to Azure. What befalls a request follows from the seed, the request and how often it was made
// before, whatever else is under way.
type storm struct {
	sim  http.Handler
	seed uint64
	odds float64 // of an attempt to be spoilt, of which at most inARow follow each other
	lost float64 // share of the queries and the lists of children of which every attempt is spoilt

	mu     sync.Mutex
	over   bool
	made   map[string]int // requests, how often
	struck map[string]int // blows, how often
}

const inARow = 3

// blows are what may befall a request, once the proper answer is known.
var blows = map[string]func(http.ResponseWriter, *httptest.ResponseRecorder){
	"429": func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("retry-after-ms", "40")
		refuse(w, http.StatusTooManyRequests, "TooManyRequests")
	},
	"503": func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("retry-after-ms", "20")
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	},
	"a gateway's page": func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("retry-after-ms", "20")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html><body>Bad Gateway</body></html>")
	},
	"401": func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		refuse(w, http.StatusUnauthorized, "ExpiredAuthenticationToken")
	},
	"reset": func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if plain, ok := conn.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn); ok {
				_ = plain.SetLinger(0)
				_ = plain.Close()
			}
		}
	},
	"cut off": func(w http.ResponseWriter, proper *httptest.ResponseRecorder) {
		w.Header().Set("Content-Length", fmt.Sprint(proper.Body.Len()))
		send(w, proper, proper.Body.Bytes()[:proper.Body.Len()/2])
		panic(http.ErrAbortHandler)
	},
	"half of the JSON": func(w http.ResponseWriter, proper *httptest.ResponseRecorder) {
		send(w, proper, proper.Body.Bytes()[:proper.Body.Len()/2])
	},
	"broken JSON": func(w http.ResponseWriter, proper *httptest.ResponseRecorder) {
		send(w, proper, bytes.Replace(proper.Body.Bytes(), []byte(`":`), []byte(`" `), 1))
	},
	"drop by drop": func(w http.ResponseWriter, proper *httptest.ResponseRecorder) {
		for drop := range slices.Chunk(proper.Body.Bytes(), max(proper.Body.Len()/50, 1)) {
			send(w, proper, drop)
			_ = http.NewResponseController(w).Flush()
			proper.Code = 0
		}
	},
}

var kindsOfBlows = slices.Sorted(maps.Keys(blows))

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"simulated"}}`, code)
}

// send sends a part of a proper answer, with its status unless that is 0.
func send(w http.ResponseWriter, proper *httptest.ResponseRecorder, content []byte) {
	if proper.Code != 0 {
		for name, values := range proper.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(proper.Code)
	}
	_, _ = w.Write(content)
}

func (s *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	blow := s.strike(r, content)
	r.Body = io.NopCloser(bytes.NewReader(content))
	if blow == "broken JSON" {
		r.Header.Del("Accept-Encoding")
	}
	proper := httptest.NewRecorder()
	s.sim.ServeHTTP(proper, r)
	if blow == "" || blow == "broken JSON" && !bytes.Contains(proper.Body.Bytes(), []byte(`":`)) {
		send(w, proper, proper.Body.Bytes())
		return
	}
	blows[blow](w, proper)
}

// strike decides what befalls a request; nothing is empty.
func (s *storm) strike(r *http.Request, content []byte) string {
	key := r.Method + " " + r.URL.RequestURI() + " " + string(content)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.made[key]
	s.made[key]++
	if s.over {
		return ""
	}
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, key)
	of := rand.New(rand.NewPCG(s.seed, hash.Sum64()))
	query := strings.Contains(r.URL.Path, "ResourceGraph")
	below := strings.Count(r.URL.Path, "/") > 8
	if of.Float64() < s.lost && (query || below) {
		s.struck["for good"]++
		return []string{"503", "429", "half of the JSON"}[of.IntN(3)]
	}
	now := rand.New(rand.NewPCG(s.seed+uint64(n), hash.Sum64()+1))
	if now.Float64() >= s.odds || n%(inARow+1) == inARow {
		return ""
	}
	kind := kindsOfBlows[now.IntN(len(kindsOfBlows))]
	if kind == "401" && n > 0 { // that is refused to a token which was just renewed is another matter
		return ""
	}
	s.struck[kind]++
	return kind
}

func (s *storm) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// stormy puts a storm between a backend and Contoso.
func stormy(t *testing.T, s *storm, patience string) (backend.Backend, backend.Settings) {
	t.Helper()
	sim, settings := simulateQuietly(t, azuresim.Config{Tenant: contoso(t), PageSize: 5, MaxPayload: 60_000, NoARMLimits: true})
	s.sim, s.made, s.struck = sim, map[string]int{}, map[string]int{}
	settings["throttle_patience"] = patience
	through(t, settings, sim, s)
	return start(t, settings), settings
}

// inStorms are the subscriptions that are scanned in storms: enough that everything befalls something.
var inStorms = backend.Filter{Subscriptions: []string{"contoso-development", "contoso-data"}}

// TestAStormThatPassesLeavesNoTrace spoils a third of all attempts.
func TestAStormThatPassesLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]backend.ScanRequest{
		"through Resource Graph":   {Depth: backend.DepthChildren, Discovery: backend.DiscoveryGraph, Filter: inStorms},
		"through Resource Manager": {Depth: backend.DepthResources, Discovery: backend.DiscoveryARM, Filter: inStorms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calm, calmly := stormy(t, &storm{}, "20s")
			whole := mustScan(t, calm, request)
			want := digest(t, calmly, whole)
			for i, seed := range []uint64{1, 2, rand.Uint64()} {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					t.Parallel()
					s := &storm{seed: seed, odds: 0.33}
					b, settings := stormy(t, s, "20s")
					o := mustScan(t, b, request)
					t.Logf("struck: %v", s.struck)
					if gaps := beside(o); len(gaps) > 0 {
						t.Errorf("gaps: %+v", gaps)
					}
					if got := digest(t, settings, o); got != want {
						t.Errorf("the snapshot has the digest %s, that of an undisturbed scan %s", got, want)
					}
					for _, kind := range kindsOfBlows {
						if s.struck[kind] == 0 && i == 0 {
							t.Errorf("no request was met by %s, so that this shows less than it should", kind)
						}
					}
				})
			}
		})
	}
}

// rowsOfAll are all rows of a snapshot but its own account of itself: where each belongs in the ledger.
const rowsOfAll = `SELECT id_key, subscription_id || '|' || source || '|' || type FROM resources
	UNION ALL SELECT id_key, subscription_id || '|resourcecontainers|' || type FROM containers
	UNION ALL SELECT id_key, subscription_id || '|authorizationresources|' || type FROM role_assignments
	UNION ALL SELECT id_key, subscription_id || '|authorizationresources|' || type FROM role_definitions`

// admits says whether one of the gaps explains that a row is missing.
func admits(gaps []backend.CoverageEntry, place string) bool {
	at := strings.Split(strings.ToLower(place), "|")
	subscription, source, typ := at[0], at[1], at[2]
	return slices.ContainsFunc(gaps, func(gap backend.CoverageEntry) bool {
		if gap.Scope != subscription && gap.Scope != "subscriptions" && (gap.Scope != "tenant" || subscription != "") {
			return false
		}
		// What Resource Manager lists of a resource is not asked for where the resource was not read.
		return gap.Kind == source || source == "arm" && (gap.Kind == kindResources || gap.Kind == typ || strings.HasPrefix(typ, gap.Kind+"/"))
	})
}

// compare holds the rows of a snapshot against those of an undisturbed scan: what is missing is in the ledger.
func compare(t *testing.T, want, got map[string]string, result *backend.ScanResult) {
	t.Helper()
	gaps, missing := result.Coverage.Gaps(), 0
	if result.Complete != (len(gaps) == 0) {
		t.Errorf("complete = %v with %d gaps", result.Complete, len(gaps))
	}
	for id, place := range want {
		if _, ok := got[id]; ok {
			continue
		}
		missing++
		if !admits(gaps, place) {
			t.Errorf("%s (%s) is missing, and the ledger does not say so: %+v", id, place, gaps)
		}
	}
	for id := range got {
		if _, ok := want[id]; !ok {
			t.Errorf("%s is not there at all", id)
		}
	}
	t.Logf("%d of %d rows are missing, %d gaps", missing, len(want), len(gaps))
}

// TestWhatAStormTakesAwayIsAdmitted has some queries and lists fail for good beside the storm, and then goes on from the parts.
func TestWhatAStormTakesAwayIsAdmitted(t *testing.T) {
	t.Parallel()
	request := backend.ScanRequest{Depth: backend.DepthChildren, Discovery: backend.DiscoveryGraph, Filter: inStorms}
	calm, calmly := stormy(t, &storm{}, "20s")
	whole := mustScan(t, calm, request)
	want, wantDigest := query(t, calmly, whole, rowsOfAll), digest(t, calmly, whole)
	for i, seed := range []uint64{1, 2, rand.Uint64()} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := &storm{seed: seed, odds: 0.2, lost: 0.1}
			b, settings := stormy(t, s, "1s")
			dir := t.TempDir()
			o := attempt(t, b, request, dir, nil)
			if o.result == nil { // so much was lost that there is nothing to keep
				if o.job.Fault == nil || !o.job.Fault.Retryable {
					t.Errorf("the scan ended as %s: %+v", o.job.Status, o.job.Fault)
				}
			} else {
				compare(t, want, query(t, settings, o, rowsOfAll), o.result)
			}
			t.Logf("struck: %v", s.struck)
			if s.struck["for good"] == 0 && i == 0 {
				t.Error("nothing failed for good, so that this shows nothing")
			}
			s.pass()
			rest := attempt(t, b, request, dir, partsOf(o))
			if sum := digest(t, settings, rest); sum != wantDigest || !rest.result.Complete {
				t.Errorf("resumed: the digest is %s, that of an undisturbed scan %s; gaps %+v", sum, wantDigest, rest.result.Coverage.Gaps())
			}
		})
	}
}
