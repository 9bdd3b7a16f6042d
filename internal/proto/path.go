package proto

import "fmt"

// CheckPath tells what is wrong with the path of a znode, or nil: the rule by
// which servers judge create (behind its sequence number), setData, setACL and
// check (spec/wire-and-tree, D.1). Java judges UTF-16 units, so that every
// character beyond U+FFFF fails as a pair of surrogates.
func CheckPath(path string) error {
	if path == "" {
		return fmt.Errorf("path is empty; the root is %q", "/")
	}
	if path[0] != '/' {
		return fmt.Errorf("path %q does not begin with a slash", path)
	}
	if path == "/" {
		return nil
	}
	if path[len(path)-1] == '/' {
		return fmt.Errorf("path %q ends with a slash", path)
	}
	start := 1 // of the current name
	for i, c := range path {
		switch {
		case c == '/':
			if i == 0 {
				continue
			}
			if err := checkName(path, start, i); err != nil {
				return err
			}
			start = i + 1
		case forbidden(c):
			return fmt.Errorf("path %q has the forbidden character %U at byte %d", path, c, i)
		}
	}
	return checkName(path, start, len(path))
}

func checkName(path string, from, to int) error {
	switch path[from:to] {
	case "":
		return fmt.Errorf("path %q has an empty name at byte %d", path, from)
	case ".", "..":
		return fmt.Errorf("path %q has the relative name %q at byte %d", path, path[from:to], from)
	}
	return nil
}

func forbidden(c rune) bool {
	return c <= 0x1f || c >= 0x7f && c <= 0x9f || c >= 0xd800 && c <= 0xf8ff || c >= 0xfff0
}

// Parent is the path up to the last slash; of a child of the root it is "/".
func Parent(path string) string {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return "/"
}
