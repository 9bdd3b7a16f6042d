// Fetchzk brings a ZooKeeper onto this machine for the tests that boot a real
// one, and prints its classpath. Its argument is the version to prefer.
package main

import (
	"fmt"
	"os"

	"github.com/zookit/zookit/internal/javazk"
)

func main() {
	prefer := ""
	if len(os.Args) > 1 {
		prefer = os.Args[1]
	}
	classpath, version, err := javazk.Find(prefer)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "ZooKeeper", version)
	fmt.Println(classpath)
}
