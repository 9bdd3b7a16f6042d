// Matrix reads what `go test -json` tells of the conformance suite from its
// standard input, and writes a table of cases by target, in Markdown, to its
// standard output. It fails when a case has failed, or when there is none.
package main

import (
	"fmt"
	"os"
)

func main() {
	r, err := read(os.Stdin)
	if err == nil {
		err = r.write(os.Stdout)
	}
	if err == nil {
		err = r.verdict()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}
