package store

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// place is where something stands in a list by age. A cursor is the place of the last entry of its page.
type place struct {
	created time.Time
	id      string
}

func (p place) compare(o place) int {
	return cmp.Or(p.created.Compare(o.created), strings.Compare(p.id, o.id))
}

func (p place) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.created.UnixNano(), 36) + "." + p.id))
}

// parsePlace reads a cursor; an empty one is nil.
func parsePlace(cursor string) (*place, error) {
	if cursor == "" {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	created, id, ok := strings.Cut(string(text), ".")
	nanos, notNumber := strconv.ParseInt(created, 36, 64)
	if err != nil || notNumber != nil || !ok {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no cursor of this service", cursor), fault.On("cursor"),
			fault.From(fault.OriginService), fault.Hint("take it from the page before, or leave it out to begin anew"))
	}
	return &place{time.Unix(0, nanos), id}, nil
}
