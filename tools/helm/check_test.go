package helm

import (
	"fmt"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// object is one of Kubernetes', by its type.
type object any

// certificate is what the chart uses of cert-manager's.
type certificate struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		SecretName string `json:"secretName"`
		IssuerRef  struct {
			Name, Kind string
		} `json:"issuerRef"`
		PrivateKey struct {
			Algorithm, RotationPolicy string
			Size                      int
		} `json:"privateKey"`
		DNSNames []string `json:"dnsNames"`
	} `json:"spec"`
}

// decode reads the documents of a template strictly: a field that its type does not have is an error.
func decode(content string) (objects []object, err error) {
	for document := range strings.SplitSeq("\n"+content, "\n---") {
		var kind meta.TypeMeta
		if strings.TrimSpace(document) == "" {
			continue
		}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			return nil, err
		}
		var o object
		switch kind.APIVersion + " " + kind.Kind {
		case "apps/v1 Deployment":
			o = &apps.Deployment{}
		case "v1 Service":
			o = &core.Service{}
		case "v1 Secret":
			o = &core.Secret{}
		case "v1 ServiceAccount":
			o = &core.ServiceAccount{}
		case "policy/v1 PodDisruptionBudget":
			o = &policy.PodDisruptionBudget{}
		case "autoscaling/v2 HorizontalPodAutoscaler":
			o = &autoscaling.HorizontalPodAutoscaler{}
		case "networking.k8s.io/v1 Ingress":
			o = &networking.Ingress{}
		case "networking.k8s.io/v1 NetworkPolicy":
			o = &networking.NetworkPolicy{}
		case "cert-manager.io/v1 Certificate":
			o = &certificate{}
		default:
			return nil, fmt.Errorf("%s %s %w", kind.APIVersion, kind.Kind, errKind)
		}
		if err := yaml.UnmarshalStrict([]byte(document), o); err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// complaints is what is wrong with the objects, together.
func complaints(objects []object) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	deployments := map[string]*apps.Deployment{}
	accounts, configs := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		switch o := o.(type) {
		case *apps.Deployment:
			deployments[o.Name] = o
			if !matches(o.Spec.Selector, o.Spec.Template.Labels) {
				complain("%s: its pods have not the labels that it selects", o.Name)
			}
			for _, w := range podComplaints(o.Spec.Template.Spec) {
				complain("%s: %s", o.Name, w)
			}
		case *core.ServiceAccount:
			accounts[o.Name] = true
		case *core.Secret:
			configs[o.Name] = true
		}
	}
	if len(deployments) != 2 {
		complain("there are %d deployments", len(deployments))
	}
	selected := func(what string, s *meta.LabelSelector) {
		n := 0
		for _, d := range deployments {
			if matches(s, d.Spec.Template.Labels) {
				n++
			}
		}
		if n != 1 {
			complain("%s selects the pods of %d deployments", what, n)
		}
	}
	for _, o := range objects {
		switch o := o.(type) {
		case *policy.PodDisruptionBudget:
			selected("budget "+o.Name, o.Spec.Selector)
		case *networking.NetworkPolicy:
			selected("policy "+o.Name, &o.Spec.PodSelector)
		case *autoscaling.HorizontalPodAutoscaler:
			if d := deployments[o.Spec.ScaleTargetRef.Name]; d == nil || d.Spec.Replicas != nil {
				complain("%s scales %s, which is not there or has a number of its own", o.Name, o.Spec.ScaleTargetRef.Name)
			}
		case *core.Service:
			selected("service "+o.Name, &meta.LabelSelector{MatchLabels: o.Spec.Selector})
			for _, p := range o.Spec.Ports {
				if !slices.ContainsFunc(ports(deployments), func(c core.ContainerPort) bool { return c.Name == p.TargetPort.StrVal }) {
					complain("service %s: no container has the port %s", o.Name, p.TargetPort.StrVal)
				}
			}
		}
	}
	for _, d := range deployments {
		pod := d.Spec.Template.Spec
		if len(accounts) > 0 && !accounts[pod.ServiceAccountName] {
			complain("%s: there is no service account %s", d.Name, pod.ServiceAccountName)
		}
		for _, v := range pod.Volumes {
			if v.Secret != nil && strings.HasSuffix(v.Secret.SecretName, "-config") && !configs[v.Secret.SecretName] {
				complain("%s: there is no secret %s", d.Name, v.Secret.SecretName)
			}
		}
	}
	return wrong
}

func ports(deployments map[string]*apps.Deployment) (out []core.ContainerPort) {
	for _, d := range deployments {
		for _, c := range d.Spec.Template.Spec.Containers {
			out = append(out, c.Ports...)
		}
	}
	return out
}

func matches(s *meta.LabelSelector, of map[string]string) bool {
	selector, err := meta.LabelSelectorAsSelector(s)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(of))
}

// podComplaints holds a pod against the restricted standard of Kubernetes and a little more.
func podComplaints(pod core.PodSpec) (wrong []string) {
	complain := func(bad bool, what string) {
		if bad {
			wrong = append(wrong, what)
		}
	}
	yes := func(b *bool) bool { return b != nil && *b }
	security := pod.SecurityContext
	if security == nil {
		return []string{"the pod has no security context"}
	}
	complain(!yes(security.RunAsNonRoot) || security.RunAsUser == nil || *security.RunAsUser == 0, "it may run as root")
	complain(security.SeccompProfile == nil || security.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault, "no seccomp profile")
	complain(pod.HostNetwork || pod.HostPID || pod.HostIPC, "it shares the node's namespaces")
	complain(pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken, "it gets a token of the cluster")
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = false
		complain(v.HostPath != nil, "it mounts a folder of the node")
	}
	for _, c := range pod.Containers {
		s := c.SecurityContext
		if s == nil {
			wrong = append(wrong, "a container without security context")
			continue
		}
		complain(s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || yes(s.Privileged), "it may gain privileges")
		complain(!yes(s.ReadOnlyRootFilesystem), "the root file system can be written")
		complain(s.Capabilities == nil || len(s.Capabilities.Add) > 0 || !slices.Contains(s.Capabilities.Drop, "ALL"), "it keeps capabilities")
		complain(c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero(), "no request, or no limit of memory")
		for _, m := range c.VolumeMounts {
			_, known := volumes[m.Name]
			complain(!known, "there is no volume "+m.Name)
			volumes[m.Name] = true
			writable := m.Name == "tmp" || m.Name == "work"
			complain(m.ReadOnly == writable, m.Name+" is writable where it should not be, or the other way round")
		}
		for _, p := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
			complain(p != nil && (p.HTTPGet == nil || p.HTTPGet.Scheme != core.URISchemeHTTPS || p.HTTPGet.Port.StrVal != "https"), "a probe does not ask over HTTPS")
		}
		complain(len(c.Ports) > 0 && (c.LivenessProbe == nil || c.ReadinessProbe == nil), "it has a port and no probes")
	}
	for name, used := range volumes {
		complain(!used, "nobody mounts "+name)
	}
	return wrong
}
