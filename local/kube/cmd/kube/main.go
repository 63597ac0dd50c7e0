// Command kube is every Kubernetes component of the local cluster in one binary: the first argument says which one to be. Called by
// the name kubectl, it is kubectl. One binary costs one link and shares its pages among the running components.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	"shopkeeper.dev/local/kube/storage"
)

// lifeline, when it is set to "stdin", ends the process when its standard input closes: a test that is killed cannot clean up, but
// the kernel closes its pipes.
const lifeline = "KUBE_LIFELINE"

var components = map[string]func() *cobra.Command{
	"apiserver":          apiserver.NewAPIServerCommand,
	"controller-manager": controllermanager.NewControllerManagerCommand,
	"etcd":               newEtcdCommand,
	"kubectl":            kubectl.NewDefaultKubectlCommand,
	"kubelet":            func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"proxy":              proxy.NewProxyCommand,
	"scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"storage":            storage.NewCommand,
}

func main() {
	name := filepath.Base(os.Args[0])
	if name != "kubectl" {
		if len(os.Args) < 2 {
			usage()
		}
		name = os.Args[1]
		// The commands read os.Args themselves and expect their own name in front.
		os.Args = os.Args[1:]
	}
	newCommand, known := components[name]
	if !known {
		usage()
	}
	if os.Getenv(lifeline) == "stdin" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	os.Exit(cli.Run(newCommand()))
}

// newEtcdCommand wraps etcd, which parses its own arguments.
func newEtcdCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "etcd",
		DisableFlagParsing: true,
		Run:                func(_ *cobra.Command, args []string) { etcdmain.Main(append([]string{"etcd"}, args...)) },
	}
}

func usage() {
	names := slices.Sorted(maps.Keys(components))
	fmt.Fprintf(os.Stderr, "usage: kube COMPONENT [FLAGS]\nCOMPONENT is one of %s\n", strings.Join(names, ", "))
	os.Exit(2)
}
