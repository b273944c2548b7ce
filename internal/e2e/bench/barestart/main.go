// Command barestart does nothing: it is what a program in Go takes at least to start and to end.
package main

func main() {}
