// Fetchzk brings a ZooKeeper onto this machine for the tests that boot a real
// one, and prints its classpath. Its argument is the beginning of the version
// that is wanted.
package main

import (
	"fmt"
	"os"

	"github.com/zookit/zookit/internal/javazk"
)

func main() {
	wanted := ""
	if len(os.Args) > 1 {
		wanted = os.Args[1]
	}
	classpath, version, err := javazk.Find(wanted)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "ZooKeeper", version)
	fmt.Println(classpath)
}
