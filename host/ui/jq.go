package ui

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// JQ is an expression in the language of jq, through which results go.
type JQ struct {
	ctx  context.Context
	code *gojq.Code
}

// longestNumber is how many digits an integer of a result may have to be kept as it is, and not as the nearest float:
// whoever names resources must not be able to make arithmetic slow.
const longestNumber = 400

// lastPatience is how long an expression may work on a result that is printed although the command was interrupted.
const lastPatience = 5 * time.Second

// ParseJQ reads an expression; fault.InvalidArgument says what is wrong with it, and where. It knows neither variables
// of the environment nor files. The end of ctx ends its evaluation.
func ParseJQ(ctx context.Context, text string) (*JQ, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, wrongJQ(text, err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, wrongJQ(text, err)
	}
	return &JQ{ctx, code}, nil
}

// wrongJQ says what is wrong with an expression. The column is that of a character, from 1.
func wrongJQ(text string, err error) error {
	message, at := err.Error(), -1
	var parse *gojq.ParseError
	if errors.As(err, &parse) {
		at = parse.Offset - len(parse.Token)
		if parse.Token == "" {
			message, at = "the expression ends too early", len(text)
		}
	} else if _, name, found := strings.Cut(message, "not defined: "); found { // of what is not defined, only the name is told
		name, _, _ = strings.Cut(name, "/")
		at = strings.Index(text, name)
	}
	if at < 0 || at > len(text) {
		return fault.New(fault.InvalidArgument, "--jq: "+message, fault.Hint(jqHint), fault.From(fault.OriginHost))
	}
	column := utf8.RuneCountInString(text[:at]) + 1
	return fault.New(fault.InvalidArgument, fmt.Sprintf("--jq: %s, at character %d of %s", message, column, text),
		fault.Hint(jqHint), fault.From(fault.OriginHost))
}

const jqHint = "docs/output.md has examples, and what each command prints as JSON"

// printJQ prints what the expression makes of a result: of each item with NDJSON, else of the whole.
func (c *Console) printJQ(d Document) error {
	items := []any{d.Data}
	if c.options.Format == FormatNDJSON && d.Items != nil {
		items = d.Items
	}
	out := bufio.NewWriter(writer{c.out})
	for _, item := range items {
		object, err := encode(item)
		if err != nil {
			return err
		}
		value, err := decodeJSON(object)
		if err != nil {
			return err
		}
		if err := c.runJQ(out, value); err != nil {
			return errors.Join(out.Flush(), err)
		}
	}
	return out.Flush()
}

// streamJQ is printJQ of a result with rows. With NDJSON it holds one row at a time; else all of them, since they are
// one value.
func (c *Console) streamJQ(s Stream) error {
	out := bufio.NewWriterSize(writer{c.out}, 64<<10)
	rows := []any{}
	for row, err := range s.Rows {
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		value, err := decodeJSON(row)
		if err == nil && c.options.Format == FormatNDJSON {
			err = c.runJQ(out, value)
		} else {
			rows = append(rows, value)
		}
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
	}
	if c.options.Format == FormatNDJSON {
		return out.Flush()
	}
	object, err := encode(s.Data)
	if err != nil {
		return err
	}
	whole, err := decodeJSON(object)
	if err != nil {
		return err
	}
	whole.(map[string]any)[s.Field] = rows
	return errors.Join(c.runJQ(out, whole), out.Flush())
}

// runJQ writes what the expression makes of a value, as it comes.
func (c *Console) runJQ(out io.Writer, value any) error {
	ctx := c.options.JQ.ctx
	if ctx.Err() != nil { // what an interrupted command has to say, it says all the same
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
		defer cancel()
	}
	results := c.options.JQ.code.RunWithContext(ctx, value)
	for {
		result, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := result.(error); failed {
			return failedJQ(ctx, err)
		}
		if err := c.writeJQ(out, result); err != nil {
			return err
		}
	}
}

// failedJQ is the fault of an expression that fails on a result; nil where it ends by itself, with halt.
func failedJQ(ctx context.Context, err error) error {
	var halt *gojq.HaltError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &halt) && halt.Value() == nil:
		return nil
	}
	return fault.New(fault.InvalidArgument, "--jq does not fit the result: "+err.Error(), fault.Hint(jqHint), fault.From(fault.OriginHost))
}

// writeJQ writes a text as it is, null as an empty line, and anything else as JSON: in one line, on a terminal indented.
func (c *Console) writeJQ(out io.Writer, result any) error {
	switch result := result.(type) {
	case nil:
		_, err := io.WriteString(out, "\n")
		return err
	case string:
		if c.out.terminal {
			result = CleanLines(result)
		}
		_, err := io.WriteString(out, result+"\n")
		return err
	}
	text, err := gojq.Marshal(result)
	if err != nil {
		return fault.New(fault.InvalidArgument, "--jq makes something that is no JSON", fault.Because(err), fault.From(fault.OriginHost))
	}
	if c.out.terminal {
		var indented bytes.Buffer
		if json.Indent(&indented, text, "", "  ") == nil {
			text = indented.Bytes()
		}
	}
	_, err = out.Write(append(escape(text), '\n'))
	return err
}

// decodeJSON is JSON as gojq takes it.
func decodeJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fault.New(fault.Internal, "the result is no JSON", fault.Because(err), fault.From(fault.OriginHost))
	}
	return boundNumbers(value), nil
}

// boundNumbers makes floats of integers that are too long.
func boundNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if len(v) > longestNumber {
			f, _ := v.Float64() // beyond what there is, it is infinite
			return f
		}
	case []any:
		for i := range v {
			v[i] = boundNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = boundNumbers(v[key])
		}
	}
	return value
}
