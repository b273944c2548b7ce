// Command bareschema times the first use of what atg knows of resource types, in a process that does nothing else. It prints a line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
)

const (
	namespaces = 50
	each       = 3
)

// large are types whose definitions are among the largest.
var large = []string{
	"Microsoft.Compute/virtualMachines", "Microsoft.Network/virtualNetworks", "Microsoft.DataFactory/factories/pipelines",
	"Microsoft.Web/sites", "Microsoft.Network/applicationGateways", "Microsoft.ContainerService/managedClusters",
}

func main() {
	if len(os.Args) > 1 { // the types to look up
		first, found := look(os.Args[1:])
		again, _ := look(os.Args[1:])
		if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"first_ms": first, "again_ms": again, "found": found, "types": armschema.Types(), "bytes": armschema.Size()}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	fmt.Println(strings.Join(tenant(), " "))
}

func look(names []string) (ms float64, found int) {
	began := time.Now()
	for _, name := range names {
		if t, ok := armschema.Lookup(name); ok && t != nil {
			found++
		}
	}
	return float64(time.Since(began).Microseconds()) / 1000, found
}

// tenant are about 150 types, as a large tenant has them: some of each of the namespaces that have the most.
func tenant() []string {
	families := map[string][]string{}
	for _, name := range armschema.Names() {
		namespace, _, _ := strings.Cut(name, "/")
		families[namespace] = append(families[namespace], name)
	}
	var by []string
	for namespace := range families {
		by = append(by, namespace)
	}
	slices.SortFunc(by, func(a, b string) int {
		if d := len(families[b]) - len(families[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	all := slices.Clone(large)
	for _, namespace := range by[:namespaces] {
		all = append(all, families[namespace][:min(each, len(families[namespace]))]...)
	}
	return all
}
