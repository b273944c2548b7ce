package pseudonym

import (
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	a := newAddresses("one")
	for _, text := range []string{"10.0.0.0/8", "0.0.0.0/0", "255.255.255.0/32", "127.0.0.1/32", "168.63.129.16/32", "169.254.169.254/32", "::1/128", "fe80::1/64"} {
		if got := a.prefix(netip.MustParsePrefix(text)); got != text {
			t.Errorf("%s is nobody's, and became %s", text, got)
		}
	}
	for _, network := range []string{"10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "172.16.4.0/22", "192.168.7.0/24", "100.64.3.0/24"} {
		n := netip.MustParsePrefix(network)
		made := netip.MustParsePrefix(a.prefix(n))
		if made.Bits() != n.Bits() || !made.Addr().IsPrivate() && n.Addr().IsPrivate() || made.Masked() != made {
			t.Errorf("%s became %s", n, made)
		}
		for addr, count := n.Addr(), 0; n.Contains(addr) && count < 300; addr, count = addr.Next(), count+1 {
			if in := netip.MustParseAddr(a.address(addr)); !made.Contains(in) {
				t.Fatalf("%s was in %s, and %s is not in %s", addr, n, in, made)
			}
		}
	}
	outside := netip.MustParseAddr(a.address(netip.MustParseAddr("10.2.0.1")))
	if netip.MustParsePrefix(a.prefix(netip.MustParsePrefix("10.1.0.0/16"))).Contains(outside) {
		t.Errorf("what was in another network is in the same one now: %s", outside)
	}
	other := newAddresses("two")
	if b := newAddresses("one"); a.prefix(netip.MustParsePrefix("10.1.2.0/24")) != b.prefix(netip.MustParsePrefix("10.1.2.0/24")) {
		t.Error("the same tenant has two pseudonyms for a network")
	}
	same := 0
	for i := range byte(100) {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, i, 0, 0}), 16)
		if a.prefix(p) == other.prefix(p) {
			same++
		}
	}
	if same > 20 {
		t.Errorf("two tenants have the same pseudonyms for %d of 100 networks", same)
	}
	public := map[string]bool{}
	for _, text := range []string{"20.1.2.3", "20.1.2.4", "52.0.0.0/24", "52.0.1.0/24", "2a01:111::5"} {
		var got string
		if p, err := netip.ParsePrefix(text); err == nil {
			got = a.prefix(p)
		} else {
			got = a.address(netip.MustParseAddr(text))
		}
		if public[got] {
			t.Errorf("%s is another one's pseudonym", got)
		}
		public[got] = true
		p, err := netip.ParsePrefix(got)
		if err != nil {
			p = netip.PrefixFrom(netip.MustParseAddr(got), netip.MustParseAddr(got).BitLen())
		}
		if !netip.MustParsePrefix("198.18.0.0/15").Contains(p.Addr()) && !netip.MustParsePrefix("2001:db8::/32").Contains(p.Addr()) {
			t.Errorf("%s became %s, which may be somebody's", text, got)
		}
	}
}
