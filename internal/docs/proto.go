package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// protocol is what the proto files say, with their comments. The files hold what buf lint and a test against the compiled
// descriptors let them: messages with fields and oneofs, services with calls, one thing a line.
type protocol struct {
	files    []protoFile
	messages map[string]string // where a message is described: its file
}

type protoFile struct {
	name, comment string
	services      []protoService
	messages      []protoMessage
}

type protoService struct {
	name, comment string
	calls         []protoCall
}

type protoCall struct{ name, request, response, comment string }

type protoMessage struct {
	name, comment string
	fields        []protoField
}

// protoField is a field; oneof is the name of the group of which at most one is set.
type protoField struct{ number, label, kind, name, comment, oneof string }

var (
	protoBlock = regexp.MustCompile(`^(message|service|oneof) (\w+) \{(\})?$`)
	protoRPC   = regexp.MustCompile(`^rpc (\w+)\((stream )?(\w+)\) returns \((stream )?(\w+)\);$`)
	protoLine  = regexp.MustCompile(`^(repeated |optional )?([\w.]+|map<\w+, [\w.]+>) (\w+) = (\d+);(?: // (.*))?$`)
)

// readProtocol reads the files of a folder; what it does not understand is an error.
func readProtocol(folder string) (protocol, error) {
	p := protocol{messages: map[string]string{}}
	names, err := filepath.Glob(filepath.Join(folder, "*.proto"))
	if err != nil {
		return p, err
	}
	if len(names) == 0 {
		return p, fmt.Errorf("there are no proto files in %s", folder)
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return p, err
		}
		file, err := parseProto(string(text))
		if err != nil {
			return p, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		file.name = filepath.Base(name)
		for _, m := range file.messages {
			p.messages[m.name] = file.name
		}
		p.files = append(p.files, file)
	}
	return p, nil
}

// parseProto reads one file, line by line.
func parseProto(text string) (f protoFile, err error) {
	var comment []string
	var blocks []string // service, message, oneof:NAME
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if c, ok := strings.CutPrefix(line, "//"); ok {
			comment = append(comment, strings.TrimPrefix(c, " "))
			continue
		}
		said := strings.Join(comment, "\n")
		comment = nil
		block, call, field := protoBlock.FindStringSubmatch(line), protoRPC.FindStringSubmatch(line), protoLine.FindStringSubmatch(line)
		switch {
		case line == "", strings.HasPrefix(line, "package "), strings.HasPrefix(line, "import "), strings.HasPrefix(line, "option "):
		case strings.HasPrefix(line, "syntax "):
			f.comment = said
		case line == "}" && len(blocks) > 0:
			blocks = blocks[:len(blocks)-1]
		case block != nil && block[1] == "oneof" && len(blocks) == 1:
			blocks = append(blocks, "oneof:"+block[2])
		case block != nil && len(blocks) == 0:
			if block[1] == "service" {
				f.services = append(f.services, protoService{name: block[2], comment: said})
			} else {
				f.messages = append(f.messages, protoMessage{name: block[2], comment: said})
			}
			if block[3] == "" {
				blocks = append(blocks, block[1])
			}
		case call != nil && slices.Equal(blocks, []string{"service"}):
			s := &f.services[len(f.services)-1]
			s.calls = append(s.calls, protoCall{call[1], call[2] + call[3], call[4] + call[5], said})
		case field != nil && len(blocks) > 0 && blocks[0] == "message":
			m := &f.messages[len(f.messages)-1]
			at := protoField{number: field[4], label: strings.TrimSpace(field[1]), kind: field[2], name: field[3], comment: field[5]}
			if at.comment == "" {
				at.comment = said
			}
			if len(blocks) == 2 {
				at.oneof = strings.TrimPrefix(blocks[1], "oneof:")
			}
			m.fields = append(m.fields, at)
		default:
			return f, fmt.Errorf("line %d is not understood: %s", n+1, line)
		}
	}
	if len(blocks) > 0 {
		return f, fmt.Errorf("a block does not end")
	}
	return f, nil
}

// CheckProto says whether a text is an excerpt of a proto file as they are written here.
func CheckProto(text string) error {
	_, err := parseProto(text)
	return err
}
