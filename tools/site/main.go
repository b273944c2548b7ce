// Command site makes a web site of docs/: static pages that work from a folder as from a server, without a network. It
// has a go.mod of its own, so that what reads Markdown and colours code is no dependency of the product.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "../..", "folder of the repository")
	out := flag.String("out", "", "folder for the site; what is in it goes")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2) //nolint:forbidigo // this is main
	}
	s, err := open(*root)
	if err == nil {
		err = s.write(*out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
	fmt.Printf("%d pages: %s/index.html\n", len(s.pages), *out) //nolint:forbidigo // to whoever has run it
}
