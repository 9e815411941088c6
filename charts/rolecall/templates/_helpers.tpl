{{- define "rolecall.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for what is put behind it. */}}
{{- define "rolecall.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "rolecall.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "rolecall.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "rolecall.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rolecall.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rolecall.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "rolecall.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: rolecall
{{- end }}

{{- define "rolecall.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "rolecall.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "rolecall.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{- define "rolecall.leaseName" -}}
rolecall-{{ .Values.install }}
{{- end }}

{{/* The operator's account, as the subject of a binding. */}}
{{- define "rolecall.subject" -}}
- kind: ServiceAccount
  name: {{ include "rolecall.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* How the operator keeps objects: it follows them, and patches finalizers and status. It deletes and makes none. */}}
{{- define "rolecall.rules.objects" -}}
- apiGroups: [rolecall.dev]
  resources: {{ .resources | toJson }}
  verbs: [list, watch, patch]
- apiGroups: [rolecall.dev]
  resources: {{ .status | toJson }}
  verbs: [patch]
{{- end }}

{{- define "rolecall.rules.namespaced" -}}
{{- include "rolecall.rules.objects" (dict
  "resources" (list "rolecallgroups" "workspacerolebindings" "accesstokens")
  "status" (list "rolecallgroups/status" "workspacerolebindings/status" "accesstokens/status")) }}
{{- if .Values.snapshotConfigMaps }}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [rolecall-snapshot]
  verbs: [create, patch]
{{- end }}
{{- end }}

{{- define "rolecall.rules.global" -}}
{{- include "rolecall.rules.objects" (dict
  "resources" (list "workspaces" "rolecallusers" "workspaceroles" "accesspolicies")
  "status" (list "workspaces/status" "rolecallusers/status" "workspaceroles/status" "accesspolicies/status")) }}
{{- end }}

{{- define "rolecall.rules.events" -}}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* Values that the schema cannot judge. */}}
{{- define "rolecall.checkValues" -}}
{{- if and .Values.store.sqlite.enabled (ne (int .Values.replicas) 1) }}
{{- fail "store.sqlite is for one replica: set replicas to 1, or use Postgres" }}
{{- end }}
{{- if .Values.watchNamespaces }}
{{- range .Values.tokenSecrets.namespaces }}
{{- if not (has .namespace $.Values.watchNamespaces) }}
{{- fail (printf "tokenSecrets.namespaces: %s is not among watchNamespaces: add it there, or remove it here" .namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.http.serviceMonitor.enabled (not .Values.http.enabled) }}
{{- fail "http.serviceMonitor is enabled, http is not: enable it" }}
{{- end }}
{{- end }}
