package meshtrace_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// A zone's control plane refuses a policy that its label says to be of another zone.
func TestOfAnotherZone(t *testing.T) {
	federated, zone := cluster.ModeFederatedZone, cluster.ModeZone
	for name, c := range map[string]struct {
		mode          cluster.Mode
		format        cluster.Format
		label, origin string
		version       cluster.Version
		refused       bool
	}{
		"another zone":                            {zone, cluster.Universal, "b", "", cluster.V(13), true},
		"of a federated one":                      {federated, cluster.Universal, "b", "zone", cluster.V(14), true},
		"of 3.0":                                  {zone, cluster.Universal, "b", "", cluster.Newest, true},
		"its own":                                 {zone, cluster.Universal, "a", "", cluster.V(13), false},
		"no label":                                {zone, cluster.Universal, "", "", cluster.V(13), false},
		"before 2.8":                              {zone, cluster.Universal, "b", "", cluster.V(7), false},
		"of the global control plane":             {federated, cluster.Universal, "b", "global", cluster.V(13), false},
		"at the global control plane":             {cluster.ModeGlobal, cluster.Universal, "b", "", cluster.V(13), false},
		"of a zone of Kubernetes":                 {zone, cluster.Kubernetes, "b", "zone", cluster.V(13), false},
		"of a federated zone of Kubernetes":       {federated, cluster.Kubernetes, "b", "zone", cluster.V(13), true},
		"of no origin there":                      {federated, cluster.Kubernetes, "b", "", cluster.V(13), false},
		"of a control plane whose name is hidden": {"", cluster.Universal, "b", "", cluster.V(13), false},
	} {
		t.Run(name, func(t *testing.T) {
			var labels cluster.Tags
			if c.label != "" {
				labels = labels.With(cluster.ZoneLabel, c.label)
			}
			if c.origin != "" {
				labels = labels.With(cluster.OriginLabel, c.origin)
			}
			p := &meshtrace.Policy{Format: c.format, Labels: labels}
			assert.Equal(t, c.refused, p.OfAnotherZone(c.version, &cluster.Origin{Mode: c.mode, Zone: "a"}))
			assert.False(t, p.OfAnotherZone(c.version, &cluster.Origin{Mode: c.mode}), "the zone is not known")
		})
	}
}
