{{- define "atg.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "atg.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "atg.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "atg.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "atg.selector" -}}
app.kubernetes.io/name: {{ include "atg.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "atg.labels" -}}
{{ include "atg.selector" . }}
app.kubernetes.io/version: {{ default .Chart.AppVersion .Values.image.tag | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "atg.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "atg.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "atg.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "atg.tlsSecret" -}}
{{- if .Values.tls.secretName -}}
{{- .Values.tls.secretName -}}
{{- else if .Values.tls.certManager.enabled -}}
{{- printf "%s-tls" (include "atg.fullname" .) -}}
{{- else -}}
{{- fail "the API needs a certificate: set tls.secretName, or tls.certManager.enabled with its issuerRef" -}}
{{- end -}}
{{- end -}}

{{/* The configuration of atg-server. What stands in config is set below what the chart knows better. */}}
{{- define "atg.config" -}}
{{- $nats := dict "replicas" (int .Values.nats.replicas) -}}
{{- if .Values.nats.urlSecret.name -}}
{{- if .Values.nats.url -}}{{- fail "give nats.url or nats.urlSecret, not both" -}}{{- end -}}
{{- else -}}
{{- $_ := set $nats "url" (required "set nats.url or nats.urlSecret: the service needs a NATS cluster with JetStream" .Values.nats.url) -}}
{{- end -}}
{{- if .Values.nats.credsSecret.name -}}{{- $_ := set $nats "creds" "/etc/atg/nats/nats.creds" -}}{{- end -}}
{{- if .Values.nats.caSecret.name -}}{{- $_ := set $nats "ca" "/etc/atg/nats/ca.crt" -}}{{- end -}}
{{- $own := dict "listen" "0.0.0.0:8443" "data_dir" "/var/lib/atg" "nats" $nats
      "tls" (dict "cert" "/etc/atg/tls/tls.crt" "key" "/etc/atg/tls/tls.key")
      "worker" (dict "concurrency" (int .Values.worker.concurrency)) -}}
{{- with .Values.tenants -}}{{- $_ := set $own "tenants" . -}}{{- end -}}
{{- mergeOverwrite (deepCopy .Values.config) $own | toYaml -}}
{{- end -}}

{{- define "atg.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# Secrets are root's, and this group may read them.
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "atg.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "atg.natsEnv" -}}
{{- with .Values.nats.urlSecret }}{{- if .name }}
- name: ATG_SERVER_NATS_URL
  valueFrom: { secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} } }
{{- end }}{{- end }}
{{- end -}}

{{- define "atg.mounts" -}}
- { name: config, mountPath: /etc/atg/server.yaml, subPath: server.yaml, readOnly: true }
- { name: tmp, mountPath: /tmp }
- { name: work, mountPath: /var/lib/atg }
{{- if or .Values.nats.credsSecret.name .Values.nats.caSecret.name }}
- { name: nats, mountPath: /etc/atg/nats, readOnly: true }
{{- end }}
{{- end -}}

{{- define "atg.volumes" -}}
- name: config
  secret: { secretName: {{ include "atg.fullname" . }}-config, defaultMode: 0440 }
- name: tmp
  emptyDir: { sizeLimit: 1Gi }
{{- if or .Values.nats.credsSecret.name .Values.nats.caSecret.name }}
- name: nats
  projected:
    defaultMode: 0440
    sources:
      {{- with .Values.nats.credsSecret }}{{- if .name }}
      - secret: { name: {{ .name | quote }}, items: [{ key: {{ .key | quote }}, path: nats.creds }] }
      {{- end }}{{- end }}
      {{- with .Values.nats.caSecret }}{{- if .name }}
      - secret: { name: {{ .name | quote }}, items: [{ key: {{ .key | quote }}, path: ca.crt }] }
      {{- end }}{{- end }}
{{- end }}
{{- end -}}

{{/* What both deployments say of where their pods go; of a dict with part (api or worker), of that part's values, and root. */}}
{{- define "atg.placement" -}}
{{- with .of.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if .of.topologySpreadConstraints }}
{{- toYaml .of.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "atg.selector" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
{{- end }}
{{- with .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
