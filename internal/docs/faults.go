package docs

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/azure-tenant-grapher/atg/host/cli"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// faultsPage lists the codes of faults in the order in which the package has them.
func faultsPage(_ context.Context, root string) ([]Page, error) {
	read, err := readComments(source(root, "shared", "fault"))
	if err != nil {
		return nil, err
	}
	m := page("Faults", "Every error of atg is a fault: a permanent code, a message, a hint for whoever can act, and whether the same call may succeed later. "+
		"Code and message are the same in the terminal (`--log-format json` shows the code), in the service's answers, and between atg and a backend.",
		"the codes, their comments, and the tables of statuses")
	m.heading(2, "Codes")
	var rows [][]string
	for _, c := range read.values["Code"] {
		code := fault.Code(c.value)
		if !code.Known() {
			return nil, fmt.Errorf("%s is no code", c.value)
		}
		meaning, remedy, _ := strings.Cut(c.comment, ". ")
		rows = append(rows, []string{ticked(c.value), strconv.Itoa(code.ExitCode()), prose(meaning), prose(remedy)})
	}
	if len(rows) != len(fault.Codes()) {
		return nil, fmt.Errorf("%d codes have a comment, and there are %d", len(rows), len(fault.Codes()))
	}
	m.table([]string{"code", "exit code", "means", "what to do"}, rows)

	m.heading(2, "Exit codes")
	var exits [][]string
	for _, e := range cli.ExitCodes() {
		exits = append(exits, []string{strconv.Itoa(e.Code), prose(e.Meaning)})
	}
	m.table([]string{"exit code", "means"}, exits)

	m.heading(2, "Over HTTP and gRPC")
	m.para("A refusal of the service is a problem (RFC 9457) with the code and the status below; [the service's API](../api.md#refusals) has an example. " +
		"Of a call to a backend the fault travels in a trailer, and the status is for those who do not read it: [the backend protocol](../backend-protocol.md#errors).")
	rows = nil
	for _, c := range read.values["Code"] {
		code := fault.Code(c.value)
		rows = append(rows, []string{ticked(c.value), strconv.Itoa(api.StatusOf(code)), ticked(canonical(rpc.StatusOf(code)))})
	}
	m.table([]string{"code", "HTTP status", "gRPC status"}, rows)

	m.heading(2, "Members")
	m.para("As JSON: of a failed job, of a line of the coverage ledger, and on standard error with `--log-format json`.")
	for _, name := range []string{"Fault", "Problem"} {
		m.heading(3, name)
		m.para(sentence(read.goDoc(name)))
		m.table([]string{"member", ""}, memberRows(read, faultTypes[name]))
	}
	return []Page{{"faults.md", m.end()}}, nil
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

// canonical is a status as gRPC's own documents write it.
func canonical(c codes.Code) string {
	if c == codes.Canceled {
		return "CANCELLED"
	}
	return strings.ToUpper(hump.ReplaceAllString(c.String(), "${1}_$2"))
}
