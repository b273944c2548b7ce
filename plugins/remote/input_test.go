package remote

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestUploadInput(t *testing.T) {
	content := large(3 << 20)
	cases := map[string]struct {
		in   backend.Input
		from io.Reader
		want fault.Code
	}{
		"a file":          {backend.Input{Path: "a", Size: int64(len(content)), SHA256: sum(content)}, strings.NewReader(content), ""},
		"an empty one":    {backend.Input{Path: "a", SHA256: sum("")}, strings.NewReader(""), ""},
		"a shorter one":   {backend.Input{Path: "a", Size: 5, SHA256: sum("12345")}, strings.NewReader("1234"), fault.Integrity},
		"a longer one":    {backend.Input{Path: "a", Size: 5, SHA256: sum("12345")}, strings.NewReader("123456"), fault.Integrity},
		"another one":     {backend.Input{Path: "a", Size: 5, SHA256: sum("12345")}, strings.NewReader("12346"), fault.Integrity},
		"no sum":          {backend.Input{Path: "a", Size: 5, SHA256: "../../x"}, strings.NewReader("12345"), fault.InvalidArgument},
		"one that breaks": {backend.Input{Path: "a", Size: 5, SHA256: sum("12345")}, iotest.ErrReader(errors.New("broken")), fault.ExecutionFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			p := &played{}
			p.states = func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if got = append(got, string(body)); r.ContentLength != int64(len(body)) {
					t.Errorf("%d bytes came, of %d", len(body), r.ContentLength)
				}
				w.WriteHeader(map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusCreated}[len(got) < 3])
			}
			play(t, p, func(t *testing.T, client *RemoteClient) {
				err := client.UploadInput(t.Context(), c.in, c.from)
				if fault.CodeOf(err) != c.want {
					t.Errorf("the answer is %v", err)
				}
				if c.want != "" && len(got) > 0 || c.want == "" && (len(got) != 3 || sum(got[0]) != c.in.SHA256 || sum(got[2]) != c.in.SHA256) {
					t.Errorf("it was sent %d times", len(got))
				}
			})
		})
	}
}

// What takes long is no failure as long as something moves; what stands still is.
func TestSlowUpload(t *testing.T) {
	content := large(8 << 20)
	for name, c := range map[string]struct {
		step time.Duration
		want fault.Code
	}{"slow": {4 * time.Minute, ""}, "silent": {6 * time.Minute, fault.ServiceUnavailable}} {
		t.Run(name, func(t *testing.T) {
			p := &played{}
			p.states = func(w http.ResponseWriter, r *http.Request) {
				for range 4 {
					_ = wait(r.Context(), c.step)
					if _, err := io.CopyN(io.Discard, r.Body, 2<<20); err != nil {
						return
					}
				}
				w.WriteHeader(http.StatusCreated)
			}
			play(t, p, func(t *testing.T, client *RemoteClient) {
				client.config.MaxRetries = 0
				err := client.UploadInput(t.Context(), backend.Input{Path: "a", Size: int64(len(content)), SHA256: sum(content)}, strings.NewReader(content))
				if fault.CodeOf(err) != c.want {
					t.Errorf("the answer is %v", err)
				}
			})
		})
	}
}
