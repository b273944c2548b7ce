package expression

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var timeFunctions = map[string]Function{
	"datetimefromepoch": count(1, 1, func(args []any) (any, error) {
		n, err := integer(args, 0)
		if err != nil {
			return nil, err
		}
		return time.Unix(n, 0).UTC().Format(time.RFC3339), nil
	}),
	"datetimetoepoch": ofStrings(1, 1, func(t []string) (any, error) {
		at, err := parseTime(t[0])
		if err != nil {
			return nil, err
		}
		return at.Unix(), nil
	}),
	"datetimeadd": ofStrings(2, 3, func(t []string) (any, error) {
		at, err := parseTime(t[0])
		if err != nil {
			return nil, err
		}
		if at, err = addPeriod(at, t[1]); err != nil {
			return nil, err
		}
		if len(t) == 3 {
			return FormatTime(at, t[2])
		}
		return at.Format("2006-01-02T15:04:05Z"), nil
	}),
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z", "2006-01-02T15:04:05", "2006-01-02", "20060102T150405Z"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("'%s' is no date and time", text)
}

var period = regexp.MustCompile(`^(-?)P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$`)

// addPeriod adds a duration of ISO 8601.
func addPeriod(at time.Time, text string) (time.Time, error) {
	match := period.FindStringSubmatch(text)
	if match == nil || len(text) < 3 {
		return at, fmt.Errorf("'%s' is no duration of ISO 8601", text)
	}
	sign := 1
	if match[1] == "-" {
		sign = -1
	}
	n := make([]int, len(match))
	for i := 2; i < len(match); i++ {
		value, _ := strconv.Atoi(match[i]) // empty is none
		n[i] = sign * value
	}
	return at.AddDate(n[2], n[3], 7*n[4]+n[5]).Add(time.Duration(n[6])*time.Hour + time.Duration(n[7])*time.Minute + time.Duration(n[8])*time.Second), nil
}

// FormatTime writes a time in one of .NET's formats: a standard one that is common in templates, or
// a custom one of y, M, d, H, m, s and f.
func FormatTime(at time.Time, how string) (string, error) {
	switch how {
	case "u":
		return at.Format("2006-01-02 15:04:05Z"), nil
	case "o", "O":
		return at.Format("2006-01-02T15:04:05.0000000Z"), nil
	case "s":
		return at.Format("2006-01-02T15:04:05"), nil
	case "d":
		return at.Format("1/2/2006"), nil
	case "r", "R":
		return at.Format("Mon, 02 Jan 2006 15:04:05 GMT"), nil
	}
	var out strings.Builder
	for how != "" {
		c := how[0]
		run := len(how) - len(strings.TrimLeft(how, string(c)))
		layout, ok := map[string]string{
			"yyyy": "2006", "yy": "06", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "dddd": "Monday", "ddd": "Mon", "dd": "02", "d": "2",
			"HH": "15", "hh": "03", "h": "3", "mm": "04", "m": "4", "ss": "05", "s": "5", "tt": "PM",
		}[how[:run]]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		switch {
		case ok:
			out.WriteString(at.Format(layout))
		case c == 'f' && run <= 7:
			out.WriteString(fmt.Sprintf("%09d", at.Nanosecond())[:run])
		case letter && c != 'T' && c != 'Z':
			return "", fmt.Errorf("the date format '%s' is not supported by the simulator", how)
		default:
			out.WriteString(how[:run])
		}
		how = how[run:]
	}
	return out.String(), nil
}

var networkFunctions = map[string]Function{
	"parsecidr": ofStrings(1, 1, func(t []string) (any, error) {
		prefix, err := netip.ParsePrefix(t[0])
		if err != nil {
			return nil, fmt.Errorf("'%s' is no CIDR", t[0])
		}
		return cidr(prefix.Masked()), nil
	}),
	"cidrsubnet": count(3, 3, func(args []any) (any, error) {
		prefix, n, err := prefixAndInteger(args)
		if err != nil {
			return nil, err
		}
		index, err := integer(args, 2)
		if err != nil {
			return nil, err
		}
		width := prefix.Addr().BitLen()
		if n < int64(prefix.Bits()) || n > int64(width) || n-int64(prefix.Bits()) > 31 || index < 0 || index >= 1<<(n-int64(prefix.Bits())) {
			return nil, fmt.Errorf("there is no subnet '%d' of '%d' bits in '%s'", index, n, prefix)
		}
		at := prefix.Masked().Addr().AsSlice()
		for bit := range int(n) - prefix.Bits() {
			if index>>bit&1 == 1 {
				position := int(n) - 1 - bit
				at[position/8] |= 1 << (7 - position%8)
			}
		}
		address, _ := netip.AddrFromSlice(at)
		return netip.PrefixFrom(address, int(n)).String(), nil
	}),
	"cidrhost": count(2, 2, func(args []any) (any, error) {
		prefix, n, err := prefixAndInteger(args)
		if err != nil {
			return nil, err
		}
		address := prefix.Masked().Addr()
		for i := int64(0); i <= n && n < 1<<20; i++ {
			address = address.Next()
		}
		if n < 0 || !prefix.Contains(address) {
			return nil, fmt.Errorf("there is no host '%d' in '%s'", n, prefix)
		}
		return address.String(), nil
	}),
}

func prefixAndInteger(args []any) (netip.Prefix, int64, error) {
	text, err := String(args, 0)
	if err != nil {
		return netip.Prefix{}, 0, err
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, 0, fmt.Errorf("'%s' is no CIDR", text)
	}
	n, err := integer(args, 1)
	return prefix, n, err
}

func cidr(prefix netip.Prefix) map[string]any {
	last := prefix.Addr().AsSlice()
	mask := make([]byte, len(last))
	for bit := range 8 * len(last) {
		if bit < prefix.Bits() {
			mask[bit/8] |= 1 << (7 - bit%8)
			continue
		}
		last[bit/8] |= 1 << (7 - bit%8)
	}
	broadcast, _ := netip.AddrFromSlice(last)
	netmask, _ := netip.AddrFromSlice(mask)
	made := map[string]any{"network": prefix.Addr().String(), "netmask": netmask.String(), "cidr": int64(prefix.Bits())}
	if prefix.Addr().Is4() {
		made["broadcast"] = broadcast.String()
		made["firstUsable"], made["lastUsable"] = prefix.Addr().Next().String(), broadcast.Prev().String()
	}
	return made
}
