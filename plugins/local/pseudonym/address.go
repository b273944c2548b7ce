package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// addresses replaces IP addresses so that what was in one network still is: two addresses that begin with the same bits have pseudonyms that do.
// Private ones stay private, and the last eight bits stay; public ones go to the range for tests of RFC 2544, 198.18.0.0/15, and those
// of IPv6 to that for documentation, 2001:db8::/32.
//
// The key is made of the ids of the tenant and its subscriptions, so that the same tenant gives the same pseudonyms.
type addresses struct {
	key    []byte
	public map[string]string
	nets   map[uint32]uint32 // private networks of 256 addresses, by the first one
	next   uint32
}

func newAddresses(seed string) addresses {
	sum := sha256.Sum256([]byte("atg addresses|" + seed))
	return addresses{key: sum[:], public: map[string]string{}, nets: map[uint32]uint32{}}
}

// private are the ranges of RFC 1918 and RFC 6598 with how many bits of them stay.
var private = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10")}

// kept says that an address is nobody's: unspecified, of the machine itself, of the link, or a mask, or Azure's own.
func kept(a netip.Addr) bool {
	if a.IsUnspecified() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{168, 63, 129, 16}) {
		return true
	}
	return a.Is4() && a.As4()[0] == 255
}

// address is the pseudonym of an address.
func (p *addresses) address(a netip.Addr) string {
	if kept(a) {
		return a.String()
	}
	if made, ok := p.map4(a); ok {
		return made.String()
	}
	return p.numbered(a.String(), a.Is4(), -1)
}

// prefix is the pseudonym of a network.
func (p *addresses) prefix(n netip.Prefix) string {
	if kept(n.Addr()) || n.Bits() == 0 {
		return n.String()
	}
	if made, ok := p.map4(n.Addr()); ok {
		return netip.PrefixFrom(made, n.Bits()).Masked().String()
	}
	return p.numbered(n.String(), n.Addr().Is4(), n.Bits())
}

// map4 replaces a private address.
func (p *addresses) map4(a netip.Addr) (netip.Addr, bool) {
	if !a.Is4() {
		return a, false
	}
	for _, r := range private {
		if !r.Contains(a) {
			continue
		}
		b := a.As4()
		v := binary.BigEndian.Uint32(b[:])
		made, known := p.nets[v&^0xff]
		if !known {
			made = v &^ 0xff
		}
		for bit := r.Bits(); bit < 24 && !known; bit++ {
			above := v &^ (1<<(32-bit) - 1)
			mac := hmac.New(sha256.New, p.key)
			_ = binary.Write(mac, binary.BigEndian, above)
			mac.Write([]byte{byte(bit)}) //nolint:gosec // less than 24
			if mac.Sum(nil)[0]&1 == 1 {
				made ^= 1 << (31 - bit)
			}
		}
		p.nets[v&^0xff] = made
		var out [4]byte
		binary.BigEndian.PutUint32(out[:], made|v&0xff)
		return netip.AddrFrom4(out), true
	}
	return a, false
}

// numbered is the pseudonym of a public address or network, which says nothing of it but its length.
func (p *addresses) numbered(text string, four bool, bits int) string {
	if made, ok := p.public[text]; ok {
		return made
	}
	p.next++
	var a netip.Addr
	if four {
		n := p.next
		if bits >= 15 && bits < 32 {
			n <<= 32 - bits
		}
		var out [4]byte
		binary.BigEndian.PutUint32(out[:], 198<<24|18<<16|n&0x1ffff)
		a = netip.AddrFrom4(out)
	} else {
		out := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		binary.BigEndian.PutUint32(out[4:], p.next)
		a = netip.AddrFrom16(out)
	}
	made := a.String()
	if bits >= 0 {
		made = netip.PrefixFrom(a, bits).Masked().String()
	}
	p.public[text] = made
	return made
}
