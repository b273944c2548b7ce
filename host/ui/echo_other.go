//go:build !linux && !darwin

package ui

// silence leaves it to the reader of a secret, which does the same a moment later.
func silence(int) error { return nil }
