{{- /* What the operator does in the namespaces that it watches. A test runs it with nothing else, and wants each rule to be used. */ -}}
{{- define "shopkeeper.rules" -}}
- apiGroups: [shopkeeper.dev]
  resources: [stores]
  verbs: [get, list, watch]
- apiGroups: [shopkeeper.dev]
  resources: [stores/status]
  verbs: [patch]
# Where owner references are policed, naming a Store as an owner asks for this.
- apiGroups: [shopkeeper.dev]
  resources: [stores/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps, secrets, services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# Volumes are never deleted by the operator.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
# Pods are asked which cache policies they run, and touched so that the kubelet refreshes their mounts.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs, cronjobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: [get, list, watch, create, patch, delete]
# These are used only where the cluster knows them.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
# Databases are never deleted by the operator.
- apiGroups: [postgresql.cnpg.io]
  resources: [clusters]
  verbs: [get, list, watch, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- define "shopkeeper.subjects" -}}
- kind: ServiceAccount
  name: {{ include "shopkeeper.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
