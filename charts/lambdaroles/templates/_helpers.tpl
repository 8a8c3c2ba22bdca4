{{/* Name of the objects. */}}
{{- define "lambdaroles.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The labels by which the Pods are found: they cannot change. */}}
{{- define "lambdaroles.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lambdaroles.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "lambdaroles.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lambdaroles
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "lambdaroles.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "lambdaroles.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: names the service account if serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "lambdaroles.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Whether the server knows rules and selectable fields in CRDs, and ValidatingAdmissionPolicies: "true" or nothing. */}}
{{- define "lambdaroles.hasCel" -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}true{{ end }}
{{- end }}

{{/* Takes what a server without CEL would not know out of a schema, in place. */}}
{{- define "lambdaroles.withoutCel" -}}
{{- if kindIs "map" . }}
{{- $_ := unset . "x-kubernetes-validations" }}
{{- $_ := unset . "selectableFields" }}
{{- range $_, $member := . }}{{ include "lambdaroles.withoutCel" $member }}{{ end }}
{{- else if kindIs "slice" . }}
{{- range . }}{{ include "lambdaroles.withoutCel" . }}{{ end }}
{{- end }}
{{- end }}

{{/*
A CRD as a server without CEL takes it, in place. Some of these servers count the default of a status as set by whoever makes the object, and
then keep conditions that the controller took away: there is none for them.
*/}}
{{- define "lambdaroles.forOldServers" -}}
{{- include "lambdaroles.withoutCel" . }}
{{- range .spec.versions }}{{ $_ := unset .schema.openAPIV3Schema.properties.status "default" }}{{ end }}
{{- end }}

{{/* The subject of the controller's bindings. */}}
{{- define "lambdaroles.subjects" -}}
- kind: ServiceAccount
  name: {{ include "lambdaroles.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The port of a URL: the one that it names, or that of its scheme. */}}
{{- define "lambdaroles.portOfUrl" -}}
{{- $url := urlParse . }}
{{- $named := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- $named | default (ternary 443 80 (eq $url.scheme "https")) }}
{{- end }}
