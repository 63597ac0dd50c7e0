// Package storage provisions volumes for the local cluster: a directory of the host for each claim, removed with it.
package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v10/controller"
)

// Provisioner is the name that the StorageClass refers to.
const Provisioner = "shopkeeper.dev/local-storage"

// hostDirectories provisions a directory under root for each claim.
type hostDirectories struct {
	root string
}

// NewCommand is the component `kube storage`.
func NewCommand() *cobra.Command {
	var kubeconfig, root string
	command := &cobra.Command{
		Use:   "storage",
		Short: "Provisions volumes as directories of this host",
		Args:  cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			return run(kubeconfig, root)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&root, "directory", "", "where the volumes' directories are made")
	for _, name := range []string{"kubeconfig", "directory"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err) // a name that is not a flag of this command: a mistake in this function
		}
	}
	return command
}

func run(kubeconfig, root string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client from %s: %w", kubeconfig, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// There is one node and one of us, so nothing is to be elected.
	controller.NewProvisionController(klog.Background(), client, Provisioner, hostDirectories{root},
		controller.LeaderElection(false)).Run(ctx)
	return nil
}

// Provision makes the directory. It is a volume of type local, not hostPath, because the kubelet applies a pod's fsGroup to the former
// only.
func (h hostDirectories) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	if options.SelectedNode == nil {
		return nil, controller.ProvisioningFinished, errors.New("the StorageClass needs volumeBindingMode: WaitForFirstConsumer")
	}
	directory := filepath.Join(h.root, options.PVName)
	if err := os.MkdirAll(directory, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// Whatever user the pod runs as may write, as in kind's volumes; the umask took that away in MkdirAll.
	if err := os.Chmod(directory, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	mode := core.PersistentVolumeFilesystem
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			VolumeMode:                    &mode,
			Capacity: core.ResourceList{
				core.ResourceStorage: options.PVC.Spec.Resources.Requests[core.ResourceStorage],
			},
			PersistentVolumeSource: core.PersistentVolumeSource{
				Local: &core.LocalVolumeSource{Path: directory},
			},
			NodeAffinity: onlyOn(options.SelectedNode.Name),
		},
	}, controller.ProvisioningFinished, nil
}

// Delete removes the directory, and refuses whatever is not one that Provision would have made.
func (h hostDirectories) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if volume.Spec.Local == nil || volume.Spec.Local.Path != filepath.Join(h.root, volume.Name) {
		return &controller.IgnoredError{Reason: fmt.Sprintf("volume %s is not a directory of %s", volume.Name, h.root)}
	}
	return os.RemoveAll(volume.Spec.Local.Path)
}

func onlyOn(node string) *core.VolumeNodeAffinity {
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
		MatchExpressions: []core.NodeSelectorRequirement{{
			Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node},
		}},
	}}}}
}
