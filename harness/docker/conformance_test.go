package docker

import (
	"testing"

	"github.com/zookit/zookit/conformance"
)

// TestConformance plays every case on servers in containers.
func TestConformance(t *testing.T) {
	t.Run(conformance.Versions()[0], func(t *testing.T) { conformance.Run(t, conformance.Docker("3.9", 1)) })
}
