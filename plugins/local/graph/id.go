package graph

import (
	"crypto/rand"
	"regexp"
	"strings"
	"sync"
	"time"
)

// idForm is the form of a snapshot's id: the time the scan began, in UTC to the millisecond, and six
// random characters. Ids sort by time and are safe as file names everywhere.
// It is compiled when it is first needed, which in most commands is never.
var idForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{8}-[0-9]{9}-[a-z2-7]{6}$`) })

// NewID makes the id of a snapshot of a scan that began at t.
func NewID(t time.Time) string {
	stamp := strings.Replace(t.UTC().Format("20060102-150405.000"), ".", "", 1)
	return stamp + "-" + strings.ToLower(rand.Text()[:6])
}

// nearest is the id that begins most like wanted does; of several, the first. It is empty if none
// begins alike.
func nearest(wanted string, ids []string) string {
	best, length := "", 0
	for _, id := range ids {
		n := 0
		for n < len(id) && n < len(wanted) && id[n] == wanted[n] {
			n++
		}
		if n > length {
			best, length = id, n
		}
	}
	return best
}
