package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// Manual is atg's manual: a page for each command, the topics of atg help, and the configuration file. It says what
// help says.
func Manual() ([]*manual.Page, error) {
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		return nil, err
	}
	program := manual.Program{
		Root: parser.Model.Node, Section: 1, Summary: "Azure tenants as graphs", About: aboutText,
		Flags: "The flags of all commands, as --output-format, --jq, --backend and --timeout, stand in atg(1), as do environment and exit codes.",
	}
	pages, others := program.Pages(), []*manual.Page{configurationPage()}
	for _, topic := range []struct{ name, summary, text string }{
		{"extensions", "commands of your own", extensionsText},
		{"jobs", "leave a job alone, come back to it, send it later", jobsText},
		{"remote", "have a job service do the work", remoteText},
	} {
		p := &manual.Page{Name: "atg-" + topic.name, Section: 7, Summary: topic.summary}
		p.Heading("Description")
		p.Text(topic.text)
		p.SeeAlso("atg(1)")
		others = append(others, p)
	}
	overview(pages[0], others)
	return slices.Concat(pages, others), nil
}

// overview ends the page of atg itself, which knows of the other ones that are no commands.
func overview(p *manual.Page, others []*manual.Page) {
	p.Heading("Environment")
	p.Text(environmentText)
	for _, group := range environment {
		p.Subheading(group.title)
		for _, row := range group.rows {
			p.Item(manual.Term{{Text: row[0], Style: manual.Bold}}, row[1])
		}
	}
	p.Heading("Files")
	for _, file := range files {
		p.Item(manual.Term{{Text: file[0], Style: manual.Italic}}, file[1])
	}
	p.Heading("Exit status")
	p.Text(exitCodesText)
	for _, m := range meanings {
		text := m.meaning
		if codes := faultCodes(m.exit); len(codes) > 0 {
			text += ": " + strings.Join(codes, ", ")
		}
		p.Item(manual.Term{{Text: fmt.Sprint(m.exit), Style: manual.Bold}}, text)
	}
	references := []string{"atg-server(8)"}
	for _, other := range others {
		references = append(references, other.Reference())
	}
	slices.Sort(references)
	p.SeeAlso(references...)
}

// files are where atg keeps things, as Unix has it.
var files = [][2]string{
	{"$XDG_CONFIG_HOME/atg/config.yaml", "the configuration, of which atg-config(5) tells; credentials.json beside it has keys where there is no keyring (default: ~/.config)"},
	{"$XDG_DATA_HOME/atg", "snapshots, and the backends that were installed (default: ~/.local/share)"},
	{"$XDG_STATE_HOME/atg", "unfinished scans, and submissions that wait (default: ~/.local/state)"},
	{"$XDG_CACHE_HOME/atg", "what can be had again (default: ~/.cache)"},
}

// configurationPage is the manual of the configuration file: the commented one that atg config init writes.
func configurationPage() *manual.Page {
	p := &manual.Page{Name: "atg-config", Section: 5, Summary: "the configuration file of atg"}
	p.Heading("Description")
	p.Text(`atg reads the file of --config, else of ATG_CONFIG, else $XDG_CONFIG_HOME/atg/config.yaml, on Windows
%AppData%\atg\config.yaml. It need not exist, and everything in it is optional. An unknown key is an error.
A file that holds a secret has to be readable for its owner alone.

A flag wins over a variable, a variable over the profile, the profile over the file. atg config show says which
value is in force and where it comes from; atg config validate checks them; atg config init writes a file. The
settings of a backend are its own: atg backend info NAME lists them.`)
	p.Heading("Example")
	p.Text("Everything that a file may have, explained, with defaults or examples behind a #:")
	p.Literal(string(config.Template()))
	p.SeeAlso("atg(1)", "atg-config(1)", "atg-config-init(1)", "atg-config-show(1)", "atg-config-validate(1)")
	return p
}
