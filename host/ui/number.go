package ui

import (
	"fmt"
	"strconv"
	"time"
)

// Count is a number with its thousands apart: 12,345.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Counted is a count with its noun: 1 resource, 2 resources, 3 policies.
func Counted(n int64, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return Count(n) + " " + plural
}

// Size is a number of bytes: 812 B, 1.4 kB, 23 MB.
func Size(bytes int64) string {
	if bytes < 1000 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	value, unit := float64(bytes), 0
	for value >= 999.5 && unit < 6 {
		value /= 1000
		unit++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %cB", value, " kMGTPE"[unit])
	}
	return fmt.Sprintf("%.0f %cB", value, " kMGTPE"[unit])
}

// Span is how long something took or takes, to about three digits: 42 ms, 1.8 s, 3 min 20 s, 2 h 5 min.
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Span(-d)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 59500*time.Millisecond:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		if s := d % time.Minute / time.Second; s > 0 {
			return fmt.Sprintf("%d min %d s", d/time.Minute, s)
		}
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	d = d.Round(time.Minute)
	if m := d % time.Hour / time.Minute; m > 0 {
		return fmt.Sprintf("%d h %d min", d/time.Hour, m)
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}

// Seconds is Span of a number of seconds, as results carry it.
func Seconds(s float64) string { return Span(time.Duration(s * float64(time.Second))) }

// Rate is so many a second: 8,230/s, 4.2/s.
func Rate(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.1f/s", perSecond)
	}
	return Count(int64(perSecond+0.5)) + "/s"
}

// Moment is a time for people: in UTC, to the second.
func Moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + "Z"
}
