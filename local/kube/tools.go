//go:build tools

// Package tools names the programs that are built from this module besides its own, so that go.mod keeps them.
package tools

import (
	_ "github.com/coredns/coredns"
	_ "helm.sh/helm/v3/cmd/helm"
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
