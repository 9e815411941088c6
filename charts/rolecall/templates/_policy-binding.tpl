{{/* Puts a policy into force in the whole cluster. */}}
{{- define "rolecall.policyBinding" }}
{{- $root := index . 0 }}
{{- $name := printf "%s-%s" (include "rolecall.fullname" $root) (index . 1) }}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "rolecall.labels" $root | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: {{ toJson $root.Values.admissionPolicies.actions }}
{{- end }}
