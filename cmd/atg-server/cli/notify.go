package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
)

// notify tells systemd how the service is (READY=1, STOPPING=1), as sd_notify(3) describes it, where it asks for that
// (Type=notify) with a socket in NOTIFY_SOCKET. A service whose word is not heard runs all the same.
func notify(ctx context.Context, p *Process, logger *slog.Logger, state string) {
	socket := p.getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", socket) // one that begins with @ is Linux' abstract namespace, to Go as well
	if err == nil {
		_, err = conn.Write([]byte(state))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		logger.WarnContext(ctx, "systemd was not told how the service is", "state", state, "error", err)
	}
}
