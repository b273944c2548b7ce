package auth

import (
	"context"
	"log/slog"
	"time"
)

// Call is what the audit log says of an authenticated call.
type Call struct {
	Key       string // its id
	Method    string
	Path      string // the template: /api/v1/jobs/{id}
	Job       string // the job's id, if the call is about one or made one
	Status    int    // of HTTP; 101 is a WebSocket, recorded when it ends
	Duration  time.Duration
	RequestID string
	Remote    string // address and port
}

// Record writes a call into the audit log.
func (g *Guard) Record(ctx context.Context, c Call) {
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("key_id", c.Key), slog.String("method", c.Method), slog.String("path", c.Path))
	if c.Job != "" {
		attrs = append(attrs, slog.String("job_id", c.Job))
	}
	attrs = append(attrs, slog.Int("status", c.Status), slog.Duration("duration", c.Duration),
		slog.String("request_id", c.RequestID), slog.String("remote", c.Remote))
	g.o.Audit.LogAttrs(ctx, slog.LevelInfo, "call", slog.Attr{Key: "audit", Value: slog.GroupValue(attrs...)})
}
