//go:build !linux

package javazk

import "errors"

func newNamespaces([]int) (network, error) {
	return nil, errors.New("network namespaces are Linux's")
}
