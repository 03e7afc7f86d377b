package convert

import (
	"cmp"
	"errors"
	"fmt"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// Options say what to convert for.
type Options struct {
	Version       cluster.Version
	Format        cluster.Format // of all policies; empty: of the TrafficTrace each comes from
	Namespace     string         // of Kubernetes policies; empty: kuma-system
	Labels        cluster.Tags
	CopyLabels    bool // take a TrafficTrace's own labels and annotations along
	ZoneOrigin    bool // label policies as created on a zone, which a federated zone demands
	Shadow        bool // label policies as to be computed only, not applied (2.7 and later)
	RoundSampling bool // on 2.0, accept the nearest whole percentage for a fraction

	// ByLabels makes policies that select by labels of Dataplanes, targetRef kind
	// Dataplane (2.10 and later). To is the version that the control plane will be
	// upgraded to, from 3.0 on, which implies ByLabels; zero: it is not upgraded.
	// DisplayNames allows to select single proxies by name.
	ByLabels     bool
	To           cluster.Version
	DisplayNames bool

	// For the comparison of proxies: how many may represent those of a mesh
	// without Dataplanes, which differences do not count, and whether Version is
	// supposed to be that of every zone.
	MadeUp   int
	Accept   []envoydiff.Code
	Supposed bool
}

// namespace returns the namespace of new policies on Kubernetes.
func (o *Options) namespace() string { return cmp.Or(o.Namespace, cluster.SystemNamespaces[0]) }

// SelectsByLabels reports whether the policies select by labels.
func (o *Options) SelectsByLabels() bool { return o.ByLabels || o.To != (cluster.Version{}) }

// Check returns an error that says which options do not go together.
func (o *Options) Check() error {
	if o.ByLabels && o.To == (cluster.Version{}) && o.Version.Compare(cluster.SinceDataplane) < 0 {
		return fmt.Errorf("targetRef kind Dataplane needs Kuma %s or later, and the policies are for %s",
			cluster.SinceDataplane.MajorMinor(), o.Version)
	}
	if o.Shadow && o.SelectsByLabels() {
		return errors.New("shadow policies cannot select by labels, because existing MeshTraces are written again in the same step")
	}
	if o.Shadow && !o.Version.ComputesShadows() {
		return fmt.Errorf("shadow policies need Kuma %s or later: version %s ignores the label %s and applies the policy",
			cluster.SinceShadow.MajorMinor(), o.Version, cluster.EffectLabel)
	}
	for _, reserved := range []string{
		cluster.MeshLabel, cluster.OriginLabel, cluster.EffectLabel, cluster.RoleLabel, cluster.DisplayNameLabel,
	} {
		if _, ok := o.Labels.Lookup(reserved); ok {
			return fmt.Errorf("label %s has a meaning of its own and cannot be set freely", reserved)
		}
	}
	var wrong []error
	for _, label := range o.Labels {
		wrong = append(wrong, meshtrace.CheckLabel(label.Key, label.Value))
	}
	if o.Namespace != "" {
		wrong = append(wrong, meshtrace.CheckNamespace(o.Namespace))
	}
	return errors.Join(wrong...)
}
