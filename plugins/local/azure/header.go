package azure

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// correlationOf is by which Azure's operators find a call: Microsoft Graph names its own.
func correlationOf(header http.Header) string {
	return oneLine(cmp.Or(header.Get("x-ms-correlation-request-id"), header.Get("request-id")))
}

// clockTime reads hh:mm:ss; 0 for anything else.
func clockTime(text string) time.Duration {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0
	}
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || !(n >= 0 && n <= 1e6) { // which NaN is not either
			return 0
		}
		total += time.Duration(n * float64(unit))
	}
	return total
}

// retryAfter is how long an answer asks to wait: Retry-After in seconds or as a date, or its
// variants in milliseconds; 0 is not at all. A date is held against the answer's own, so that it does
// not matter what our clock says.
func retryAfter(header http.Header) time.Duration {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if ms, err := strconv.ParseInt(header.Get(name), 10, 32); err == nil && ms > 0 {
			return time.Duration(ms) * time.Millisecond
		}
	}
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(text)
	now, noDate := http.ParseTime(header.Get("Date"))
	if err != nil || noDate != nil {
		return 0
	}
	return max(0, until.Sub(now))
}
