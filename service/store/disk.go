package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// reserve is how much of the disk new jobs and files leave free, in bytes, so that those that are at work can be
// brought to their end. A server whose disk is full stops for good.
const reserve = 256 << 20

// disk knows how much is free where the embedded server keeps its files.
type disk struct {
	measure func(dir string) (free uint64, err error)
	dir     string

	mu   sync.Mutex
	at   time.Time
	full bool
}

// fresh is how long a measurement counts.
const fresh = time.Second

// Room is jobs.Records. What an external server has it says itself.
func (s *Store) Room() error {
	if s.disk == nil || !s.disk.isFull() {
		return nil
	}
	return jobs.NoRoom(fmt.Sprintf("the disk of the service is full: less than %d MiB are free on %s", reserve>>20, s.disk.dir), fault.On(s.disk.dir))
}

func (d *disk) isFull() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.at) > fresh {
		free, err := d.measure(d.dir)
		d.full, d.at = err == nil && free < reserve, time.Now()
	}
	return d.full
}
