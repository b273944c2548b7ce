package query

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// compile has SQLite read a statement without running it, and answers what is wrong with it as fault.InvalidArgument: it is
// no SQL, it names what is not there, it is more than one statement, or it does more than read.
//
// arguments are bound to its parameters in their order, ?, ?2 or :name.
func (s *session) compile(statement string, arguments []any) error {
	text, err := libc.CString(statement)
	if err != nil {
		return err
	}
	defer libc.Xfree(s.tls, text)
	const pointer = 8 // bytes, or fewer
	out := libc.Xmalloc(s.tls, 2*pointer)
	if out == 0 {
		return errors.New("out of memory")
	}
	defer libc.Xfree(s.tls, out)

	found := false
	for at := text; ; at = libc.AtomicLoadPUintptr(out + pointer) {
		s.denied = ""
		code := sqlite3.Xsqlite3_prepare_v2(s.tls, s.handle, at, -1, out, out+pointer)
		if code != sqlite3.SQLITE_OK {
			if found {
				return moreThanOne()
			}
			message := libc.GoString(sqlite3.Xsqlite3_errmsg(s.tls, s.handle))
			offset := int(sqlite3.Xsqlite3_error_offset(s.tls, s.handle))
			return s.wrong(statement, message, offset)
		}
		compiled := libc.AtomicLoadPUintptr(out)
		if compiled == 0 { // nothing but blanks and comments is left
			break
		}
		readOnly := sqlite3.Xsqlite3_stmt_readonly(s.tls, compiled) != 0
		parameters := int(sqlite3.Xsqlite3_bind_parameter_count(s.tls, compiled))
		for i := range min(parameters, len(arguments)) {
			name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(s.tls, compiled, int32(i+1)))
			if _, named := arguments[i].(sql.NamedArg); !named && name != "" && name[0] != '?' {
				arguments[i] = sql.Named(name[1:], arguments[i])
			}
		}
		sqlite3.Xsqlite3_finalize(s.tls, compiled)
		switch {
		case found:
			return moreThanOne()
		case !readOnly:
			return readsOnly(changing)
		case parameters != len(arguments):
			return invalid(fmt.Sprintf("the query has %d parameters, and there are %d arguments", parameters, len(arguments)), "each ? in SQL takes an argument behind it")
		}
		found = true
	}
	if !found {
		return invalid("the query is empty", "atg snapshot query --list shows queries that have names")
	}
	return nil
}

func invalid(message, hint string) error {
	return fault.New(fault.InvalidArgument, message, fault.Hint("%s", hint))
}

func moreThanOne() error {
	return invalid("the query is more than one statement", "ask one at a time; WITH names parts of a query")
}

func readsOnly(what string) error {
	return invalid("a query is read-only: it cannot "+what, "ask with SELECT or WITH; a snapshot never changes")
}

var (
	noTable      = regexp.MustCompile(`^no such table: (?:\w+\.)?(.+)$`)
	noColumn     = regexp.MustCompile(`^no such column: (.+)$`)
	cannotModify = regexp.MustCompile(`^cannot modify |may not be (modified|indexed)`)
	noFunction   = regexp.MustCompile(`^no such function: (.+)$`)
)

// wrong is the fault of a statement that SQLite does not take. offset is where in it, in bytes; -1 is unknown.
func (s *session) wrong(statement, message string, offset int) error {
	switch {
	case s.denied != "":
		return readsOnly(s.denied)
	case cannotModify.MatchString(message): // what it is, SQLite does not even ask whether it may
		return readsOnly(changing)
	}
	hint := "docs/query.md has the views and their columns"
	if m := noTable.FindStringSubmatch(message); m != nil {
		names := viewNames()
		hint = "there are the views " + strings.Join(names, ", ")
		hint = didYouMean(m[1], names) + hint
	} else if m := noColumn.FindStringSubmatch(message); m != nil {
		name := m[1][strings.LastIndexByte(m[1], '.')+1:]
		if strings.HasPrefix(name, `"`) {
			hint = "a text stands in single quotes; in double quotes stands the name of a column. " + hint
		} else {
			hint = s.columnHint(statement, name) + hint
		}
	} else if m := noFunction.FindStringSubmatch(message); m != nil {
		hint = "https://www.sqlite.org/lang_corefunc.html has the functions of SQLite, and its neighbours those for JSON and time"
	}
	message = "the query is wrong" + place(statement, offset) + ": " + message
	return invalid(message, hint)
}

// place says where in a statement something is: at line 2, column 5, near "FORM nodes".
func place(statement string, offset int) string {
	if offset < 0 || offset > len(statement) {
		return ""
	}
	before := statement[:offset]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	if line == 1 {
		return fmt.Sprintf(" at character %d", column)
	}
	return fmt.Sprintf(" at line %d, character %d", line, column)
}

func didYouMean(name string, known []string) string {
	if near := nearest.To(strings.ToLower(name), known); near != "" {
		return "did you mean " + near + "? "
	}
	return ""
}

// columnHint names the columns of those views that the statement names, and which of them is near.
func (s *session) columnHint(statement, name string) string {
	words := strings.FieldsFunc(strings.ToLower(statement), func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	hint := ""
	var all []string
	for _, v := range viewNames() {
		if !slices.Contains(words, v) {
			continue
		}
		columns := s.columnsOf(v)
		all = append(all, columns...)
		hint += v + " has the columns " + strings.Join(columns, ", ") + ". "
	}
	return didYouMean(name, all) + hint
}
