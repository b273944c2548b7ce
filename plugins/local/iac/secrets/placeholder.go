package secrets

import "strings"

// placeholder begins a text that stands for a secret. Its first character is one of Unicode's private ones, which no answer of Azure has.
const placeholder = "\uE000atg-secret:"

// Placeholder is what a row has in the place of a text that holds a secret: whoever makes a snapshot of a written specification knows that
// there is one, and not its value. text says which, in whatever form the maker of the row chose; it never holds the secret itself.
func Placeholder(text string) string { return placeholder + text }

// PlaceholderOf is the text of a placeholder; ok is false for every other value.
func PlaceholderOf(value string) (text string, ok bool) { return strings.CutPrefix(value, placeholder) }
