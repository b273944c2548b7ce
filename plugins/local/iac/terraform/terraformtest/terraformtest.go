// Package terraformtest lets the real terraform read generated code where the azapi provider cannot be downloaded: it builds a
// stand-in, tools/azapi-schema, that has the provider's schema, and tells terraform to take that.
package terraformtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// version is the stand-in's: later than any that generated code asks for, and no version of the provider itself.
const version = "2.9999.0"

// Provider builds the stand-in below dir, an absolute path, and answers what terraform's environment needs beside os.Environ.
// It has to run in the module's source tree.
func Provider(ctx context.Context, dir string) ([]string, error) {
	root, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "registry.terraform.io", "azure", "azapi", version, runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-azapi_v"+version)
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if _, err := output(ctx, "go", "build", "-C", filepath.Join(root, "tools", "azapi-schema"), "-o", program, "."); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "terraform.rc")
	content := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", dir)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		return nil, fmt.Errorf("configure terraform: %w", err)
	}
	return []string{"TF_CLI_CONFIG_FILE=" + config}, nil
}

func output(ctx context.Context, program string, arguments ...string) (string, error) {
	var stderr strings.Builder
	command := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // go, with the arguments above
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(arguments, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
