package backend

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// ParseDuration reads a duration as settings and variables write it: a number of seconds (300, 0.5) or
// a time span with units, as time.ParseDuration takes it (5m, 1h30m). It is never negative.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, notNumber := strconv.ParseFloat(text, 64); notNumber == nil {
		nanos := seconds * float64(time.Second)
		if !(nanos >= 0 && nanos < math.MaxInt64) { // nor is NaN
			err = strconv.ErrRange
		} else {
			d, err = time.Duration(nanos), nil
		}
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration: write seconds, as 300, or units, as 5m or 1h30m", text)
	}
	return d, nil
}
