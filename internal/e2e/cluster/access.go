package cluster

import "strings"

// NATSURL is the URL by which tests reach NATS, as the service's user, at the servers themselves: no link is between. CAFile is
// the authority to trust.
func (c *Cluster) NATSURL() string {
	var urls []string
	for _, s := range c.Servers {
		urls = append(urls, "tls://"+c.access.user+":"+c.access.password+"@"+s.Address)
	}
	return strings.Join(urls, ",")
}
