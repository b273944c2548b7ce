package expression

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// evaluate evaluates an expression in which param('x') is x.
func evaluate(t *testing.T, text string) (any, error) {
	t.Helper()
	n, err := Parse(text)
	if err != nil {
		return nil, err
	}
	env := &Env{Function: func(name string) (Function, bool) {
		if name == "parameters" {
			return func(args []any) (any, error) { return fixtures[args[0].(string)], nil }, true
		}
		return nil, false
	}}
	return env.Evaluate(n)
}

// fixtures are the parameters of the examples in the documentation of the functions.
var fixtures = map[string]any{
	"objectToTest": map[string]any{"one": "a", "two": "b", "three": "c"},
	"arrayToTest":  []any{"one", "two", "three"},
	"nested":       map[string]any{"propA": map[string]any{"Inner": int64(7)}, "list": []any{map[string]any{"name": "x"}}},
	"dogs":         []any{map[string]any{"name": "Evie", "age": int64(5)}, map[string]any{"name": "Casper", "age": int64(3)}, map[string]any{"name": "Indy", "age": int64(5)}},
}

// TestFunctions has the examples of the documentation, and the edges around them.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
func TestFunctions(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"string":                    {`['it''s']`, `"it's"`},
		"integer":                   {`[-12]`, `-12`},
		"white space":               {"[ concat ( 'a' ,\n 'b' ) ]", `"ab"`},
		"case of a function":        {`[CONCAT('a','b')]`, `"ab"`},
		"property":                  {`[parameters('nested').propA.inner]`, `7`},
		"property by name":          {`[parameters('nested')['propA']['Inner']]`, `7`},
		"element":                   {`[parameters('nested').list[0].name]`, `"x"`},
		"array of a value":          {`[array('efg')]`, `["efg"]`},
		"concat strings":            {`[concat('prefix-', 'x', 5, true())]`, `"prefix-x5True"`},
		"concat arrays":             {`[concat(createArray(1), createArray(2))]`, `[1,2]`},
		"contains text":             {`[contains('OneTwoThree', 'e')]`, `true`},
		"contains text in its case": {`[contains('OneTwoThree', 'two')]`, `false`},
		"contains a name":           {`[contains(parameters('objectToTest'), 'ONE')]`, `true`},
		"contains an element":       {`[contains(parameters('arrayToTest'), 'three')]`, `true`},
		"empty":                     {`[createArray(empty(''), empty(createArray()), empty(json('{}')), empty(json('null')), empty('x'))]`, `[true,true,true,true,false]`},
		"first and last":            {`[createArray(first('One Two'), last('One Two'), first(parameters('arrayToTest')), last(parameters('arrayToTest')))]`, `["O","o","one","three"]`},
		"indexOf":                   {`[createArray(indexOf('test', 't'), lastIndexOf('test', 't'), indexOf('abcdef', 'CDE'), indexOf('abcdef', 'z'))]`, `[0,3,2,-1]`},
		"intersection":              {`[intersection(createArray('one', 'two', 'three'), createArray('two', 'three'))]`, `["two","three"]`},
		"intersection of objects":   {`[intersection(json('{"one":"a","two":"b"}'), json('{"one":"a","two":"z"}'))]`, `{"one":"a"}`},
		"items":                     {`[items(json('{"b":1,"a":2}'))]`, `[{"key":"a","value":2},{"key":"b","value":1}]`},
		"join":                      {`[join(createArray('a', 'b', 1), ',')]`, `"a,b,1"`},
		"length":                    {`[createArray(length('One'), length(parameters('arrayToTest')), length(parameters('objectToTest')))]`, `[3,3,3]`},
		"range":                     {`[range(5, 3)]`, `[5,6,7]`},
		"skip and take":             {`[createArray(skip(parameters('arrayToTest'), 2), take('one two', 3), skip('one', 9), take(parameters('arrayToTest'), -1))]`, `[["three"],"one","",[]]`},
		"union of arrays":           {`[union(createArray('one', 'two'), createArray('two', 'three'))]`, `["one","two","three"]`},
		"union of objects":          {`[union(json('{"a":{"x":1},"b":1}'), json('{"a":{"y":2},"b":2}'))]`, `{"a":{"x":1,"y":2},"b":2}`},
		"flatten":                   {`[flatten(createArray(createArray(1), createArray(2, 3)))]`, `[1,2,3]`},
		"shallowMerge":              {`[shallowMerge(createArray(json('{"a":{"x":1}}'), json('{"a":{"y":1}}')))]`, `{"a":{"y":1}}`},
		"createObject":              {`[createObject('a', 1, 'b', null())]`, `{"a":1,"b":null}`},
		"tryGet":                    {`[createArray(tryGet(parameters('nested'), 'propA', 'inner'), tryGet(parameters('nested'), 'x', 'y'))]`, `[7,null]`},
		"objectKeys":                {`[objectKeys(parameters('objectToTest'))]`, `["one","three","two"]`},
		"if":                        {`[if(equals('a', 'b'), 'yes', 'no')]`, `"no"`},
		"if leaves the other alone": {`[if(true(), 'yes', fail('no'))]`, `"yes"`},
		"and ends early":            {`[and(false(), bool(fail('no')))]`, `false`},
		"or ends early":             {`[or(true(), bool(fail('no')))]`, `true`},
		"not":                       {`[not(equals(1, 2))]`, `true`},
		"coalesce":                  {`[coalesce(null(), json('null'), 'default')]`, `"default"`},
		"equals of objects":         {`[equals(json('{"a":[1]}'), json('{"A":[1]}'))]`, `true`},
		"equals knows types":        {`[equals(1, '1')]`, `false`},
		"comparisons":               {`[createArray(less(1, 2), greater('a', 'B'), lessOrEquals(2, 2), greaterOrEquals(1, 2))]`, `[true,true,true,false]`},
		"arithmetic":                {`[createArray(add(5, 3), sub(7, 3), mul(5, 3), div(8, 3), mod(7, 3), min(1, 2), max(range(0, 4)))]`, `[8,4,15,2,1,1,3]`},
		"int":                       {`[int('4')]`, `4`},
		"float":                     {`[float('3.5')]`, `3.5`},
		"bool":                      {`[createArray(bool('true'), bool(1), bool('False'), bool(0))]`, `[true,true,false,false]`},
		"string of an object":       {`[string(createObject('a', createArray(1, 'x')))]`, `"{\"a\":[1,\"x\"]}"`},
		"string of a boolean":       {`[string(true())]`, `"True"`},
		"format":                    {`[format('{0}, {1}. {{{0}}} {2}', 'Hello', 'User', 42)]`, `"Hello, User. {Hello} 42"`},
		"format of numbers":         {`[format('{0:D3}-{1:00}-{0,4}', 7, 5)]`, `"007-05-   7"`},
		"replace":                   {`[replace('123-123-1234', '-', '')]`, `"1231231234"`},
		"split":                     {`[split('one,two;three', createArray(',', ';'))]`, `["one","two","three"]`},
		"substring":                 {`[createArray(substring('one two three', 4, 3), substring('über', 1))]`, `["two","ber"]`},
		"padLeft":                   {`[padLeft('123', 10, '0')]`, `"0000000123"`},
		"cases":                     {`[createArray(toLower('One'), toUpper('One'), trim('  x '))]`, `["one","ONE","x"]`},
		"starts and ends":           {`[createArray(startsWith('abcdef', 'AB'), endsWith('abcdef', 'EF'))]`, `[true,true]`},
		"base64":                    {`[createArray(base64('one, two'), base64ToString('b25lLCB0d28='), base64ToJson(base64('{"a":1}')).a)]`, `["b25lLCB0d28=","one, two",1]`},
		"data URI":                  {`[dataUriToString(dataUri('Hello'))]`, `"Hello"`},
		"uri":                       {`[createArray(uri('http://a.b/c/', 'd/e.sh'), uriComponent('http://a b'), uriComponentToString('a%20b'))]`, `["http://a.b/c/d/e.sh","http%3A%2F%2Fa%20b","a b"]`},
		"guid":                      {`[guid('a')]`, `"` + GUID("a") + `"`},
		"dateTimeAdd":               {`[createArray(dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y'), dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'yyyy-MM-dd'), dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H', 'u'))]`, `["2023-04-07T14:53:14Z","2020-03-29","2020-04-07 15:53:14Z"]`},
		"epoch":                     {`[createArray(dateTimeToEpoch('2020-04-07T14:53:14Z'), dateTimeFromEpoch(1683040573))]`, `[1586271194,"2023-05-02T15:16:13Z"]`},
		"cidrSubnet":                {`[createArray(cidrSubnet('10.144.0.0/20', 24, 0), cidrSubnet('10.144.0.0/20', 24, 5))]`, `["10.144.0.0/24","10.144.5.0/24"]`},
		"cidrHost":                  {`[createArray(cidrHost('10.144.3.0/24', 0), cidrHost('10.144.3.0/24', 4))]`, `["10.144.3.1","10.144.3.5"]`},
		"parseCidr":                 {`[parseCidr('10.144.0.5/20')]`, `{"broadcast":"10.144.15.255","cidr":20,"firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","netmask":"255.255.240.0","network":"10.144.0.0"}`},
		"filter":                    {`[filter(parameters('dogs'), lambda('dog', greaterOrEquals(lambdaVariables('dog').age, 5)))]`, `[{"age":5,"name":"Evie"},{"age":5,"name":"Indy"}]`},
		"map":                       {`[map(parameters('arrayToTest'), lambda('x', 'i', concat(lambdaVariables('x'), lambdaVariables('i'))))]`, `["one0","two1","three2"]`},
		"map within map":            {`[map(range(0, 2), lambda('x', map(range(0, 2), lambda('y', add(lambdaVariables('x'), lambdaVariables('y'))))))]`, `[[0,1],[1,2]]`},
		"reduce":                    {`[reduce(map(parameters('dogs'), lambda('d', lambdaVariables('d').age)), 0, lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))]`, `13`},
		"sort":                      {`[sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]`, `[1,2,3]`},
		"toObject":                  {`[toObject(parameters('dogs'), lambda('d', lambdaVariables('d').name), lambda('d', lambdaVariables('d').age))]`, `{"Casper":3,"Evie":5,"Indy":5}`},
		"groupBy":                   {`[groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))]`, `{"a":["ab","ac"],"b":["b"]}`},
		"mapValues":                 {`[mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))]`, `{"a":2}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := evaluate(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(raw)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRefused has expressions that Azure refuses; each must be told what is wrong.
func TestRefused(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no such function":      {`[nothing('x')]`, "the template function 'nothing' is not valid"},
		"operator":              {`[1 + 2]`, "the end of the expression is expected at position '3'"},
		"open string":           {`['abc]`, "a closing quotation mark is expected"},
		"open call":             {`[concat('a']`, "',' or ')' is expected"},
		"double quotes":         {`[concat("a")]`, "a function is expected"},
		"name alone":            {`[parameters]`, "'(' is expected"},
		"literal true":          {`[true]`, "'(' is expected"},
		"stray bracket":         {`[concat('a')]]`, "the end of the expression is expected"},
		"no property":           {`[parameters('objectToTest').four]`, "the language expression property 'four' doesn't exist, available properties are 'one, three, two'"},
		"property of a string":  {`[toLower('A').length]`, "property type is 'String'"},
		"out of bounds":         {`[parameters('arrayToTest')[3]]`, "array index '3' is out of bounds"},
		"too few arguments":     {`[replace('a', 'b')]`, "expects '3' arguments, not '2'"},
		"too many arguments":    {`[toLower('a', 'b')]`, "expects '1' arguments, not '2'"},
		"wrong type":            {`[toLower(5)]`, "expects its parameter '1' to be of type 'String', not 'Integer'"},
		"condition of a string": {`[if('true', 1, 2)]`, "expects its parameter '1' to be a boolean, not of type 'String'"},
		"division by zero":      {`[div(1, 0)]`, "the divisor can't be zero"},
		"place without value":   {`[format('{1}', 'a')]`, "a place '{1}', but there are '1' values"},
		"unknown format":        {`[format('{0:N2}', 5)]`, "the format 'N2' is not supported by the simulator"},
		"beyond the string":     {`[substring('abc', 2, 5)]`, "must refer to a location within the string"},
		"no integer":            {`[int('x')]`, "cannot convert 'x' to an integer"},
		"too long a range":      {`[range(0, 10001)]`, "the count must be between '0' and '10000'"},
		"no JSON":               {`[json('{a}')]`, "the value is no JSON"},
		"more than JSON":        {`[json('1 2')]`, "the value is no JSON"},
		"fail":                  {`[fail('as told')]`, "as told"},
		"lambda alone":          {`[lambda('x', 1)]`, "'lambda' is not expected at this location"},
		"no such variable":      {`[map(range(0, 1), lambda('x', lambdaVariables('y')))]`, "the lambda variable 'y' is not found"},
		"lambda of too many":    {`[filter(range(0, 1), lambda('a', 'b', 'c', true()))]`, "a lambda with 3 parameters"},
		"unknown date format":   {`[dateTimeAdd('2020-01-01', 'P1D', 'qq')]`, "the date format 'qq' is not supported"},
		"odd object":            {`[createObject('a')]`, "an even number of arguments"},
		"number too large":      {`[99999999999999999999]`, "an integer is expected"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := evaluate(t, test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestLiterals(t *testing.T) {
	tests := map[string]struct {
		text         string
		isExpression bool
		literally    string
	}{
		"expression":                {"[x()]", true, ""},
		"escaped":                   {"[[test value]", false, "[test value]"},
		"does not end in a bracket": {"[test] value", false, "[test] value"},
		"doubled, without an end":   {"[[test value", false, "[[test value"},
		"three brackets":            {"[[[x]", false, "[[x]"},
		"bracket inside":            {"a [x]", false, "a [x]"},
		"nothing within":            {"[]", false, "[]"},
		"one bracket":               {"[", false, "["},
		"empty":                     {"", false, ""},
		"space before":              {" [x()]", false, " [x()]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Is(test.text); got != test.isExpression {
				t.Fatalf("is an expression: %v", got)
			}
			if !test.isExpression && Literally(test.text) != test.literally {
				t.Errorf("%q", Literally(test.text))
			}
		})
	}
}

// TestHostile has expressions that must end in an error soon, whatever they ask for.
func TestHostile(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"endless loops":    {"[map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', add(1, 1)))))]", "calls more than '300000' functions"},
		"doubled again":    {"[reduce(range(0, 64), 'ab', lambda('x', 'y', concat(lambdaVariables('x'), lambdaVariables('x'))))]", "makes a value of more than '4194304'"},
		"nested again":     {"[reduce(range(0, 64), 'ab', lambda('x', 'y', createArray(lambdaVariables('x'), lambdaVariables('x'))))]", "makes a value of more than '4194304'"},
		"too long":         {"['" + strings.Repeat("a", MaxLength) + "']", "length limit exceeded. Limit: '24576'"},
		"too deep":         {"[" + strings.Repeat("array(", 300) + "1" + strings.Repeat(")", 300) + "]", "nests deeper than '256' levels"},
		"many accesses":    {"[parameters('nested')" + strings.Repeat(".a", 300) + "]", "more than '256' accesses"},
		"deep indices":     {"[" + strings.Repeat("a(b(", 200), "nests deeper"},
		"wide alignment":   {"[format('{0,999999999}', 1)]", "an alignment"},
		"long padding":     {"[padLeft('a', 999999999)]", "a length that is not negative"},
		"subnet of it all": {"[cidrSubnet('::/0', 128, 0)]", "there is no subnet"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := evaluate(t, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%.300v", err)
			}
		})
	}
}

func TestUniqueString(t *testing.T) {
	one, two := UniqueString([]string{"a", "b"}), UniqueString([]string{"a", "c"})
	if len(one) != 13 || one == two || one != UniqueString([]string{"a", "b"}) {
		t.Errorf("%q, %q", one, two)
	}
}

// TestLengthLimit has an expression of exactly the longest length.
func TestLengthLimit(t *testing.T) {
	text := fmt.Sprintf("['%s']", strings.Repeat("ä", MaxLength-4))
	if got, err := evaluate(t, text); err != nil || len([]rune(got.(string))) != MaxLength-4 {
		t.Errorf("%.100v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"[concat('a', 1)]", "[a.b(c()[0].?d['e''f'])]", "[", "[-]", "[x(,)]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !Is(text) {
			return
		}
		n, err := Parse(text)
		if err == nil && n == nil {
			t.Error("neither a node nor an error")
		}
	})
}
