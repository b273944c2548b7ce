package ui

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// linked decides whether a stream gets hyperlinks (OSC 8). Where colours are not wanted, neither are they. FORCE_HYPERLINK says
// so or not; else the terminal has to be one that is known to understand them, since others may show what they do not understand.
func linked(colored, terminal bool, getenv func(string) string) bool {
	if force := getenv("FORCE_HYPERLINK"); force != "" {
		return colored && isSet(force)
	}
	term := getenv("TERM")
	switch {
	case !colored, !terminal, isSet(getenv("CI")):
		return false
	case getenv("TMUX") != "", strings.HasPrefix(term, "screen"), strings.HasPrefix(term, "tmux"): // whose terminal may be any
		return false
	case getenv("WT_SESSION") != "", getenv("KONSOLE_VERSION") != "", getenv("DOMTERM") != "":
		return true
	}
	switch getenv("TERM_PROGRAM") {
	case "iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "WarpTerminal":
		return true
	}
	switch term {
	case "xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "contour", "wezterm":
		return true
	}
	vte, err := strconv.Atoi(getenv("VTE_VERSION")) // GNOME Terminal and its kin; 0.50.0 could, and crashed
	return err == nil && vte > 5000
}

// link makes text, which is clean, lead to an address.
func link(text, address string) string {
	if text == "" || address == "" {
		return text
	}
	return "\x1b]8;;" + address + "\x1b\\" + text + "\x1b]8;;\x1b\\"
}

// linkSequence begins or ends a link.
var linkSequence = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)`) })

// unlinked is text without hyperlinks.
func unlinked(text []byte) []byte { return linkSequence().ReplaceAll(text, nil) }

// resourceID is the form of the ids of what the portal shows: subscriptions, resource groups and resources. Whatever else is in
// them, there is nothing that an address or a terminal takes for something else once it is escaped.
var resourceID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^/subscriptions/[0-9a-f-]{36}(/[^\x00-\x1f\x7f?#]*)?$`)
})

// maxLink is the length of the longest address of a link, in bytes: terminals ignore longer ones.
const maxLink = 2000

// Link is a piece of text that leads somewhere, where the terminal can follow: To is an absolute path, or the id of a resource.
type Link struct {
	Toned
	To string
}

// fileLink is the path of a file, which leads there; the empty one stays the empty text.
func fileLink(path string) any {
	if path == "" {
		return path
	}
	return Link{Toned{Text: path}, path}
}

// resourceAddress is the page of a resource in the portal; empty if the text is no id of one, or links are not wanted.
func (s *screen) resourceAddress(text string) string {
	if !s.links || s.portal == "" || !resourceID().MatchString(text) {
		return ""
	}
	return short(s.portal + "/#resource" + (&url.URL{Path: text}).EscapedPath())
}

// address is where a Link leads to; empty if links are not wanted.
func (s *screen) address(to string) string {
	if !s.links || !filepath.IsAbs(to) {
		return ""
	}
	if resource := s.resourceAddress(to); resource != "" {
		return resource
	}
	return short(fileAddress(to))
}

func short(address string) string {
	if len(address) > maxLink {
		return ""
	}
	return address
}

// fileAddress is the URL of a file. It names the machine, so that a terminal which shows another one does not open a file of its own.
func fileAddress(path string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if runtime.GOOS == "windows" {
		u.Path = "/" + u.Path
	} else if host, err := os.Hostname(); err == nil {
		u.Host = host
	}
	return u.String()
}

// SetPortal names the web page where resources can be looked at, as https://portal.azure.com; empty is none.
func (c *Console) SetPortal(address string) { c.out.portal, c.err.portal = address, address }
