package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	core "k8s.io/api/core/v1"
	storageapi "k8s.io/api/storage/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v10/controller"
)

func options(name string) controller.ProvisionOptions {
	policy := core.PersistentVolumeReclaimDelete
	return controller.ProvisionOptions{
		PVName:       name,
		PVC:          &core.PersistentVolumeClaim{},
		StorageClass: &storageapi.StorageClass{ReclaimPolicy: &policy},
		SelectedNode: &core.Node{ObjectMeta: meta.ObjectMeta{Name: "local"}},
	}
}

func TestAVolumeIsADirectoryThatGoesWithIt(t *testing.T) {
	provisioner := hostDirectories{t.TempDir()}
	volume, _, err := provisioner.Provision(context.Background(), options("pvc-1"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(volume.Spec.Local.Path)
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Fatalf("the directory is %v, %v", info, err)
	}
	if err := provisioner.Delete(context.Background(), volume); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(volume.Spec.Local.Path); !os.IsNotExist(err) {
		t.Fatalf("the directory is still there: %v", err)
	}
}

func TestADirectoryThatIsNotTheVolumesOwnIsNeverRemoved(t *testing.T) {
	root := t.TempDir()
	provisioner := hostDirectories{filepath.Join(root, "volumes")}
	volume, _, err := provisioner.Provision(context.Background(), options("pvc-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{root, provisioner.root, filepath.Join(provisioner.root, "pvc-1", "..", "..")} {
		volume.Spec.Local.Path = path
		var ignored *controller.IgnoredError
		if err := provisioner.Delete(context.Background(), volume); !errors.As(err, &ignored) {
			t.Errorf("%s: not refused: %v", path, err)
		}
	}
}

func TestAClaimWithoutANodeIsRefused(t *testing.T) {
	withoutNode := options("pvc-1")
	withoutNode.SelectedNode = nil
	if _, _, err := (hostDirectories{t.TempDir()}).Provision(context.Background(), withoutNode); err == nil {
		t.Fatal("accepted")
	}
}
