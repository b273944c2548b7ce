package docs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// typed is what a block of a console has one type: the lines behind the prompt, with those that go on from them.
func typed(text string) string {
	var out []string
	goesOn, until := false, ""
	for line := range strings.SplitSeq(text, "\n") {
		command, prompt := strings.CutPrefix(line, "$ ")
		switch {
		case until != "":
			out = append(out, line)
			if strings.TrimSpace(line) == until {
				until = ""
			}
			continue
		case !prompt && !goesOn:
			continue
		}
		out = append(out, command)
		goesOn = strings.HasSuffix(command, `\`)
		if _, word, ok := strings.Cut(command, "<<"); ok {
			until, _, _ = strings.Cut(strings.Trim(word, `'"`), " ")
		}
	}
	return strings.Join(out, "\n")
}

// simple are the commands of a script of a shell, each as its words: of pipes and lists, of $(…), without redirections, assignments
// before a command, and what is only grammar. Variables stay as they are written.
func simple(script string) [][]string {
	l := &lexer{rest: script}
	l.script()
	return l.commands
}

type lexer struct {
	rest     string
	commands [][]string
	words    []string
	heredoc  string // the word that ends the one that begins behind this line
}

// grammar are words before a command.
var grammar = []string{"if", "then", "else", "elif", "while", "until", "do", "!", "sudo", "exec", "time", "{"}

func (l *lexer) end() {
	for len(l.words) > 0 && (slices.Contains(grammar, l.words[0]) || isAssignment(l.words[0])) {
		l.words = l.words[1:]
	}
	if len(l.words) > 0 {
		l.commands = append(l.commands, l.words)
	}
	l.words = nil
}

func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == ""
}

func (l *lexer) script() {
	for l.rest != "" {
		switch c := l.rest[0]; c {
		case ' ', '\t':
			l.rest = l.rest[1:]
		case '#':
			_, l.rest, _ = cutLine(l.rest)
			l.rest = "\n" + l.rest
		case '\n':
			l.rest = l.rest[1:]
			l.end()
			for l.heredoc != "" && l.rest != "" {
				var line string
				if line, l.rest, _ = cutLine(l.rest); strings.TrimSpace(line) == l.heredoc {
					l.heredoc = ""
				}
			}
		case ';', '|', '&', '(', ')':
			l.rest = l.rest[1:]
			l.end()
		case '<', '>':
			l.redirection()
		default:
			if strings.HasPrefix(l.rest, "\\\n") {
				l.rest = l.rest[2:]
				continue
			}
			word := l.word()
			if strings.Trim(word, "0123456789") == "" && l.rest != "" && (l.rest[0] == '>' || l.rest[0] == '<') { // 2>
				continue
			}
			l.words = append(l.words, word)
		}
	}
	l.end()
}

func cutLine(text string) (line, rest string, found bool) { return strings.Cut(text, "\n") }

func (l *lexer) redirection() {
	here := strings.HasPrefix(l.rest, "<<")
	l.rest = strings.TrimLeft(strings.TrimLeft(l.rest, "<>&"), " ")
	word := l.word()
	if here {
		l.heredoc = word
	}
}

// word takes a word, without its quotes; what stands in $(…) are commands of their own.
func (l *lexer) word() string {
	var out strings.Builder
	quote := byte(0)
	for l.rest != "" {
		c := l.rest[0]
		switch {
		case strings.HasPrefix(l.rest, "$(") && quote != '\'':
			depth, i := 0, 1
			for ; i < len(l.rest); i++ {
				if l.rest[i] == '(' {
					depth++
				}
				if l.rest[i] == ')' {
					if depth--; depth == 0 {
						break
					}
				}
			}
			l.commands = append(l.commands, simple(l.rest[2:i])...)
			l.rest = l.rest[min(i+1, len(l.rest)):]
			out.WriteString("SUBSTITUTED")
			continue
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(" \t\n;|&()<>", c) >= 0:
			return out.String()
		case c == '\\' && quote != '\'' && len(l.rest) > 1:
			if l.rest[1] == '\n' && quote == 0 {
				return out.String()
			}
			l.rest = l.rest[1:]
			out.WriteByte(l.rest[0])
		default:
			out.WriteByte(c)
		}
		l.rest = l.rest[1:]
	}
	return out.String()
}

func TestSimple(t *testing.T) {
	script := `A=1 atg scan --tag 'a b' | jq -r .x > out 2>err # a comment
if ! atg -q health; then atg "job" list && echo "$(atg version)"; fi
cat > file <<END
atg not this
END
atg generate-iac --format arm \
  --output-dir "./x y" &
`
	want := [][]string{
		{"atg", "scan", "--tag", "a b"}, {"jq", "-r", ".x"},
		{"atg", "-q", "health"}, {"atg", "job", "list"}, {"atg", "version"}, {"echo", "SUBSTITUTED"}, {"fi"},
		{"cat"}, {"atg", "generate-iac", "--format", "arm", "--output-dir", "./x y"},
	}
	if diff := cmp.Diff(want, simple(script)); diff != "" {
		t.Error(diff)
	}
	console := "$ atg scan \\\n    --limit 1\nan answer\n$ cat <<END\nx\nEND\nmore\n"
	if diff := cmp.Diff("atg scan \\\n    --limit 1\ncat <<END\nx\nEND", typed(console)); diff != "" {
		t.Error(diff)
	}
}
