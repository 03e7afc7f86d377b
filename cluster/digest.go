package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// InputDigest digests what is read of sources. It depends on neither the names of files
// nor their order.
type InputDigest struct{ sums []string }

// Of returns a source that reads another, and adds what is read to the digest.
func (d *InputDigest) Of(source Source) Source { return digested{source, d} }

// String returns "sha256:" and the SHA-256 of the text that was read. Of several texts,
// it is the SHA-256 of their sorted SHA-256s, one a line. It is empty if nothing was read.
func (d *InputDigest) String() string {
	switch len(d.sums) {
	case 0:
		return ""
	case 1:
		return "sha256:" + d.sums[0]
	}
	all := DigestOf("", []byte(strings.Join(slices.Sorted(slices.Values(d.sums)), "\n")+"\n"))
	return "sha256:" + all.SHA256
}

// digested is a source whose texts are added to a digest.
type digested struct {
	of     Source
	digest *InputDigest
}

// Read implements Source.
func (s digested) Read(ctx context.Context, use func(manifest.Input)) (*Origin, error) {
	return s.of.Read(ctx, func(input manifest.Input) {
		sum := sha256.New()
		input.Seen = func(part string, _ bool) { _, _ = io.WriteString(sum, part) } // a hash returns no error
		use(input)
		s.digest.sums = append(s.digest.sums, hex.EncodeToString(sum.Sum(nil)))
	})
}
