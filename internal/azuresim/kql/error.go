package kql

import "fmt"

// Codes of the details in Resource Graph's answer to a query it refuses, as they are seen on the
// wire. SemanticError is this package's own name for failures whose code no public answer shows.
const (
	CodeParserFailure        = "ParserFailure"
	CodeInvalidQueryLanguage = "InvalidQueryLanguage"
	CodeUnknownFunction      = "UnknownFunction"
	CodeDisallowedTable      = "DisallowedLogicalTableName"
	CodeSemanticError        = "SemanticError"
)

// Error says why a query is refused, in the parts that Resource Graph reports.
type Error struct {
	// Code is one of the Code constants.
	Code string
	// Message is the text beside the code. For parser failures it repeats the code, as Azure does.
	Message string
	// Line counts from 1 and Column from 0; both are -1 where Azure does not tell the place, and
	// Line is 0 where the error has no place at all.
	Line, Column int
	// Token is the offending text, "<EOF>" at the end of the query.
	Token string
	// Expected is the token that alone could have stood there, if there is just one.
	Expected string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s at line %d, column %d: %q", e.Message, e.Line, e.Column, e.Token)
	}
	return e.Message
}

func semantic(format string, args ...any) error {
	return &Error{Code: CodeSemanticError, Message: fmt.Sprintf(format, args...)}
}

func unsupported(token string) error {
	return &Error{
		Code: CodeInvalidQueryLanguage, Message: CodeInvalidQueryLanguage,
		Line: -1, Column: -1, Token: token,
	}
}
