package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// Options say what to convert for.
type Options struct {
	Version       cluster.Version
	Format        cluster.Format // of all policies; empty: of the TrafficTrace each comes from
	Namespace     string         // of Kubernetes policies; empty: kuma-system
	Labels        map[string]string
	CopyLabels    bool // take a TrafficTrace's own labels and annotations along
	ZoneOrigin    bool // label policies as created on a zone, which a federated zone demands
	Shadow        bool // label policies as to be computed only, not applied (2.7 and later)
	RoundSampling bool // on 2.0, accept the nearest whole percentage for a fraction

	// For the comparison of proxies: how many may represent those of a mesh
	// without Dataplanes, which differences do not count, and whether Version is
	// supposed to be that of every zone.
	MadeUp   int
	Accept   []envoydiff.Code
	Supposed bool
}

// Check returns an error that says which options do not go together.
func (o *Options) Check() error {
	if o.Shadow && !o.Version.ComputesShadows() {
		return fmt.Errorf("shadow policies need Kuma 2.7 or later: version %s ignores the label %s and applies the policy",
			o.Version, cluster.EffectLabel)
	}
	for _, reserved := range []string{
		cluster.MeshLabel, cluster.OriginLabel, cluster.EffectLabel, cluster.RoleLabel, cluster.DisplayNameLabel,
	} {
		if _, ok := o.Labels[reserved]; ok {
			return fmt.Errorf("label %s has a meaning of its own and cannot be set freely", reserved)
		}
	}
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		wrong = append(wrong, meshtrace.CheckLabel(key, o.Labels[key]))
	}
	if o.Namespace != "" {
		wrong = append(wrong, meshtrace.CheckNamespace(o.Namespace))
	}
	return errors.Join(wrong...)
}
