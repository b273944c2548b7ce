package query

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// The room of temporary files, which sorting and grouping need: at least so much, and more for a snapshot that is larger.
const (
	leastTemp = 1 << 30 // bytes
	timesTemp = 3       // the size of the snapshot
	lookEvery = 100 * time.Millisecond
)

// roomFor is how many bytes of temporary files a query of a snapshot of that size may have.
func roomFor(snapshot int64) int64 { return max(leastTemp, timesTemp*snapshot) }

// watch ends a query with stop once the temporary files of this process's SQLite have become too large. What it answers ends the watching.
func watch(most int64, stop context.CancelCauseFunc) (end func()) {
	over := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
			}
			if used := tempSize(); used > most {
				stop(invalid(fmt.Sprintf("the query needs more than %d MB for what it sorts and groups", most>>20), "sort or group fewer rows, or fewer columns"))
				return
			}
		}
	})
	return func() {
		close(over)
		done.Wait()
	}
}
