package service

import (
	"context"
	"fmt"
)

// ownFiles are the files that a process has open beside connections: those of the embedded store, of logs, of backends.
const ownFiles = 1000

// mostConnections is how many connections the API may have: as configured, or as many fewer as the system allows files. Go raises the soft
// limit of the process to the hard one when it starts.
func (s *service) mostConnections(ctx context.Context) int {
	files, limited := openFiles()
	most := max(int(files)-ownFiles, int(files)/2) //nolint:gosec // no system has so many
	if !limited || s.c.Limits.Connections > 0 && s.c.Limits.Connections <= most {
		return s.c.Limits.Connections
	}
	s.log.WarnContext(ctx, fmt.Sprintf("the system lets this process open %d files: %d connections are taken at a time", files, most),
		"limits.connections", s.c.Limits.Connections, "hint", "raise the hard limit of open files: LimitNOFILE of systemd, ulimit -Hn, or lower limits.connections")
	return most
}
