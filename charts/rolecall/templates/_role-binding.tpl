{{/* Gives the operator a Role of the same name and namespace. */}}
{{- define "rolecall.roleBinding" }}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ index . 2 }}
  labels:
    {{- include "rolecall.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  {{- include "rolecall.subject" $root | nindent 2 }}
{{- end }}
