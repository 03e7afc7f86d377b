package envoydiff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// A proxy with doubts of several kinds stays unknown until each kind is accepted.
func TestDoubtsOfSeveralKinds(t *testing.T) {
	s := &cluster.Snapshot{Dataplanes: []*cluster.Dataplane{{Mesh: "default", Name: "web"}}}
	tie := cluster.Doubt{Code: string(envoydiff.TieDependsOnZone), Reason: "the zone decides"}
	unread := cluster.Doubt{Reason: "a policy was not read"}
	for name, test := range map[string]struct {
		doubt  cluster.Doubt
		accept []envoydiff.Code
		want   envoydiff.Verdict
		codes  []envoydiff.Code
	}{
		"no doubt":        {want: envoydiff.Same},
		"one":             {doubt: tie, want: envoydiff.Unknown, codes: []envoydiff.Code{envoydiff.TieDependsOnZone}},
		"one, accepted":   {doubt: tie, accept: []envoydiff.Code{envoydiff.TieDependsOnZone}, want: envoydiff.Accepted, codes: []envoydiff.Code{envoydiff.TieDependsOnZone}},
		"two, one is not": {doubt: tie.And(unread), accept: []envoydiff.Code{envoydiff.TieDependsOnZone}, want: envoydiff.Unknown, codes: []envoydiff.Code{envoydiff.TieDependsOnZone, envoydiff.Unverified}},
		"the other is not": {
			doubt: tie.And(unread), accept: []envoydiff.Code{envoydiff.Unverified}, want: envoydiff.Unknown,
			codes: []envoydiff.Code{envoydiff.TieDependsOnZone, envoydiff.Unverified},
		},
		"two": {
			doubt: unread.And(tie), accept: []envoydiff.Code{envoydiff.Unverified, envoydiff.TieDependsOnZone}, want: envoydiff.Accepted,
			codes: []envoydiff.Code{envoydiff.Unverified, envoydiff.TieDependsOnZone},
		},
		"two of one kind": {doubt: unread.And(unread).And(cluster.Doubt{Reason: "another"}), want: envoydiff.Unknown, codes: []envoydiff.Code{envoydiff.Unverified}},
	} {
		t.Run(name, func(t *testing.T) {
			options := envoydiff.Options{Version: cluster.Latest, Accept: test.accept, Doubt: func(*cluster.Dataplane) cluster.Doubt { return test.doubt }}
			got := envoydiff.Compare(s, envoydiff.State{}, envoydiff.State{}, options).Proxies[0]
			assert.Equal(t, test.want, got.Verdict)
			var codes []envoydiff.Code
			for _, d := range got.Differences {
				codes = append(codes, d.Code)
			}
			assert.Equal(t, test.codes, codes)
		})
	}
	assert.Equal(t, "a policy was not read; another", unread.And(unread).And(cluster.Doubt{Reason: "another"}).Reasons())
	assert.Equal(t, "the zone decides; a policy was not read", tie.And(unread).Reasons())
}
