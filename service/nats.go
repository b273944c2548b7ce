package service

import (
	"net"
	"net/url"
	"strings"
)

// inTheClear are the servers, beyond this machine, to which the connection need not be encrypted. With a certificate authority
// it always is.
func (n NATS) inTheClear() (servers []string) {
	if n.CA != "" {
		return nil
	}
	for server := range strings.SplitSeq(n.URL, ",") {
		server = strings.TrimSpace(server)
		if server == "" {
			continue
		}
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || u.Scheme == "tls" || u.Scheme == "wss" {
			continue // what is no address, the client says
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			servers = append(servers, u.Host)
		}
	}
	return servers
}
