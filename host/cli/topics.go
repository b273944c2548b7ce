package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// topics are what atg help explains beside commands.
var topics = map[string]func(*ui.Page){
	"exit-codes":  exitCodesHelp,
	"environment": environmentHelp,
	"extensions":  words(extensionsText),
	"remote":      words(remoteText),
	"jobs":        words(jobsText),
}

// words are a topic that is told in words alone.
func words(text string) func(*ui.Page) { return func(p *ui.Page) { p.Lines(text) } }

var topicNames = []string{"remote", "jobs", "exit-codes", "environment", "extensions"}

// meanings say what each exit code means. The codes of faults behind it come from package fault.
var meanings = []struct {
	exit    int
	meaning string
}{
	{0, "done; also when a job goes on with --detach"},
	{1, "a defect of atg or of a backend"},
	{2, "the command, its arguments or the configuration are wrong, or what they name is not there"},
	{3, "done, but incomplete: something was denied, throttled out or unsupported"},
	{4, "no credential, or it may not do that"},
	{5, "a service or a backend cannot be reached, is overloaded, or crashed"},
	{6, "the work failed, or someone else cancelled it"},
	{7, "a checksum, an archive or a pinned program is not what it should be"},
	{8, "done, and two things differ, where that was the question"},
	{124, "the time of --timeout, or to wait for a job, is over"},
	{130, "interrupted: Ctrl-C, or a question answered with no"},
}

const exitCodesText = "The exit code follows from the code of the fault, which --log-format json shows on stderr."

func exitCodesHelp(p *ui.Page) {
	p.Lines(exitCodesText)
	p.Gap()
	t := ui.Table{Width: helpWidth, Columns: []ui.Column{{Title: "EXIT", Right: true, Whole: true}, {Title: "MEANING"}, {Title: "FAULT CODES"}}}
	for _, m := range meanings {
		t.Rows = append(t.Rows, []string{strconv.Itoa(m.exit), m.meaning, strings.Join(faultCodes(m.exit), " ")})
	}
	p.Table(t)
}

// faultCodes are the codes of the faults that end a command with that exit code.
func faultCodes(exit int) (codes []string) {
	for _, c := range fault.Codes() {
		if c.ExitCode() == exit {
			codes = append(codes, string(c))
		}
	}
	slices.Sort(codes)
	return codes
}

const environmentText = "A flag wins over a variable, a variable over the profile, the profile over the file."

// environment are the variables that atg knows, by what they are about: names, and what they say.
var environment = []struct {
	title string
	rows  [][]string
}{
	{"What atg does", [][]string{
		{"ATG_BACKEND", "the backend, as --backend"},
		{"ATG_REMOTE_MODE", "true: the backend is remote; false: it is local"},
		{"ATG_PROFILE", "the profile, as --profile"},
		{"ATG_CONFIG", "the configuration file, as --config"},
		{"ATG_TENANT_ID", "the tenant, as --tenant-id; else AZURE_TENANT_ID"},
		{"ATG_FALLBACK", "local: work here when the chosen backend cannot be reached"},
		{"ATG_BACKEND_PATH", "folders of backends, as PATH lists them"},
		{"ATG_SHOW_PROGRESS", "false: as --no-progress"},
		{"ATG_PROGRESS_UPDATE_INTERVAL", "time between lines of progress where stderr is no terminal"},
	}},
	{"The job service, with --backend remote", [][]string{
		{"ATG_SERVICE_URL", "its https URL"},
		{"ATG_API_KEY", "the key; wins over the one that atg auth login keeps"},
		{"ATG_KEYRING", "off: keep and look for keys in a file alone, not in the system's keyring"},
		{"ATG_CA_FILE", "certificates that it is trusted by, beside the system's"},
		{"ATG_REQUEST_TIMEOUT", "of one request"},
		{"ATG_JOB_POLL_INTERVAL", "between two looks at a job"},
		{"ATG_JOB_MAX_WAIT", "how long to wait for a job"},
		{"ATG_MAX_RETRIES", "after the first try; 0 is none"},
		{"ATG_RETRY_BACKOFF_FACTOR", "by which the waits between tries grow"},
		{"TRACEPARENT", "W3C trace that the jobs belong to (default: one of each command)"},
	}},
	{"Azure, for the local backend", [][]string{
		{"AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET", "a service principal; without one, az login and managed identities"},
		{"ATG_AZURE_RESOURCE_MANAGER_ENDPOINT, ATG_AZURE_AUTHORITY_HOST, ATG_AZURE_GRAPH_ENDPOINT", "a custom cloud"},
		{"HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE", "as everywhere"},
	}},
	{"How it looks", [][]string{
		{"ATG_PAGER", "the program for results that are longer than the terminal, off for none; else pager of the configuration, PAGER, or less"},
		{"NO_COLOR", "no colours and no links"},
		{"CLICOLOR_FORCE, FORCE_COLOR", "colours also where there is no terminal"},
		{"FORCE_HYPERLINK", "1: links, whatever the terminal says that it is; 0: none"},
		{"CI", "no bars, no pager and no questions"},
	}},
}

func environmentHelp(p *ui.Page) {
	p.Lines(environmentText)
	for _, group := range environment {
		p.Title(group.title)
		p.Table(ui.Table{Indent: 2, Width: helpWidth, Columns: []ui.Column{{}, {}}, Rows: group.rows})
	}
}

const extensionsText = `atg NAME ARGUMENTS… runs the program atg-NAME of your PATH with the arguments, where NAME is no command of
atg's own. Terminal, signals and exit code pass through. The extension gets your environment without the
service's key and Azure's secrets, unless extensions.env of the configuration names them.

A backend is something else: a program atg-backend-NAME that does the work of atg's own commands. See
atg backend --help.`

const remoteText = `The same commands can be executed by a job service. Credentials for Azure stay there; you need its address
and a key.

  export ATG_SERVICE_URL=https://atg.example.com
  atg auth login              # asks for the key, tries it, keeps it in the keyring
  atg --remote scan

The service does the work only where you say so: with --remote or --backend remote, ATG_BACKEND=remote,
ATG_REMOTE_MODE=true, or backend: remote in the configuration. An address or a key alone switches nothing.
With fallback: local, atg works here where the service cannot be reached; never where it refuses the key.

With several services, give each a profile in the configuration, and the key of each by its profile:

  profiles:
    prod: {backend: remote, backends: {remote: {settings: {service_url: https://atg.prod.example.com}}}}

  atg --profile prod auth login
  atg --profile prod scan     # or ATG_PROFILE=prod

A key comes from ATG_API_KEY or the configuration, else the keyring, else credentials.json beside the
configuration; never from a flag. atg auth status says which it is and whether the service takes it, and
atg --remote health what the service depends on. See also atg help jobs.`

const jobsText = `Each command submits a job to its backend and waits for it. A job of the local backend ends with the
command; atg scan --resume last goes on with a scan that ended too early. A job of a service goes on without
its command:

  Ctrl-C             leaves the job alone and prints how to follow it again; with --cancel-on-interrupt it
                     cancels it. A second Ctrl-C ends atg at once.
  --detach           does not wait at all, and prints the job's id.
  --timeout          ends the command, not the job; so does job_max_wait of the service's settings.

  atg job list       your jobs, wherever they were submitted; job show ID for one
  atg job watch ID   follows one from its first event; prints the result, and exits, as the command would have
  atg job result ID, atg job download ID --output-dir DIR, atg job cancel ID

Files are checked against the service's checksums and take their place all at once. What atg wrote in a
folder stands in .atg-files.json there: it replaces those files, and others only with --force. Code
replaces earlier code as a whole.

When the service cannot be reached, --queue keeps the submission on this machine, without the key, and
atg job flush sends it later: one job, however often it is tried. atg job submit --batch FILE sends many
operations at once.`
