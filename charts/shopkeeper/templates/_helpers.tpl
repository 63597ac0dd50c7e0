{{- define "shopkeeper.name" -}}
{{- if contains "shopkeeper" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-shopkeeper" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "shopkeeper.selectorLabels" -}}
app.kubernetes.io/name: shopkeeper-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "shopkeeper.labels" -}}
{{ include "shopkeeper.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: shopkeeper
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "shopkeeper.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "shopkeeper.name" .) }}
{{- end }}

{{- define "shopkeeper.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
