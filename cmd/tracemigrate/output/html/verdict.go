package html

import (
	"cmp"
	"slices"

	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
)

// failed is what the page shows as the verdict of a proxy with a backend that cannot
// work: that is an error of the input, and no difference.
const failed envoydiff.Verdict = "error"

// shownVerdict returns the verdict that the page shows for a proxy with codes.
func shownVerdict(verdict envoydiff.Verdict, codes []envoydiff.Code) envoydiff.Verdict {
	if verdict == envoydiff.Different && slices.Contains(codes, envoydiff.InvalidBackend) {
		return failed
	}
	return verdict
}

// codesOf returns the codes of differences.
func codesOf(differences []*envoydiff.Difference) []envoydiff.Code {
	return lists.Each(differences, func(d *envoydiff.Difference) envoydiff.Code { return d.Code })
}

// compareVerdicts is negative where a is better than b, and positive where it is worse.
func compareVerdicts(a, b envoydiff.Verdict) int {
	rank := func(verdict envoydiff.Verdict) int {
		if verdict == failed {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Compare(b))
}
