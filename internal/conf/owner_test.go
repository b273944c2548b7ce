package conf

import (
	"io/fs"
	"testing"
)

func TestWhoMayReadAFileWithASecret(t *testing.T) {
	const user, other = 1000, 1001
	for name, c := range map[string]struct {
		mode        fs.FileMode
		owner, self int
		open        bool
	}{
		"the user's alone":                          {0o600, user, user, false},
		"the user's, and a group reads":             {0o640, user, user, true},
		"the user's, and everybody reads":           {0o604, user, user, true},
		"another user's, and a group reads":         {0o640, other, user, true},
		"root's, as a package or Kubernetes has it": {0o640, 0, user, false},
		"root's, as a credential of systemd is":     {0o440, 0, user, false},
		"root's, and a group writes":                {0o660, 0, user, true},
		"root's, and a group executes":              {0o650, 0, user, true},
		"root's, and everybody reads":               {0o644, 0, user, true},
		"root's, read by root, and a group reads":   {0o640, 0, 0, true},
		"of an owner that is not known":             {0o640, -1, user, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := open(c.mode, c.owner, c.self); got != c.open {
				t.Errorf("open(%04o, %d, %d) = %v", c.mode, c.owner, c.self, got)
			}
		})
	}
}
