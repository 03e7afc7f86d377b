package cluster

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// Tags are the tags of an inbound or a gateway, or those of a selector.
type Tags map[string]string

// ServiceTag is the tag that every inbound and gateway has.
const ServiceTag = "kuma.io/service"

// ProtocolTag is the tag for the protocol of an inbound.
const ProtocolTag = "kuma.io/protocol"

// IsTag reports whether a Dataplane can have the tag: a value consists of letters,
// digits and .-_: and a key may also have a slash
// (https://kuma.io/docs/2.9.x/production/dp-config/dpp/).
func IsTag(key, value string) bool {
	for i := 0; i < len(key); i++ {
		if !isTagByte(key[i]) && key[i] != '/' {
			return false
		}
	}
	for i := 0; i < len(value); i++ {
		if !isTagByte(value[i]) {
			return false
		}
	}
	return key != "" && value != ""
}

func isTagByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' || c == ':'
}

// Any is the value of a selector's tag that every value satisfies.
const Any = "*"

// Match reports whether one tag set satisfies a selector: it has each key, with the
// selector's value unless that is Any.
func (tags Tags) Match(set Tags) bool {
	for key, want := range tags {
		if value, ok := set[key]; !ok || want != Any && want != value {
			return false
		}
	}
	return true
}

// Meets reports whether one tag set can satisfy both selectors.
func (tags Tags) Meets(other Tags) bool {
	if len(other) < len(tags) {
		tags, other = other, tags
	}
	for key, a := range tags {
		if b, ok := other[key]; ok && a != b && a != Any && b != Any {
			return false
		}
	}
	return true
}

// DividingKey returns the key by whose values most pairs of selectors cannot meet.
func DividingKey(selectors []Tags) string {
	values := make(map[string]map[string]int) // selectors, by key and value
	for _, selector := range selectors {
		for key, value := range selector {
			if value == Any {
				continue
			}
			if values[key] == nil {
				values[key] = make(map[string]int)
			}
			values[key][value]++
		}
	}
	best, most := "", 0
	for key, uses := range values {
		all, same := 0, 0
		for _, n := range uses {
			all, same = all+n, same+n*n
		}
		if apart := all*all - same; best == "" || apart > most || apart == most && key < best {
			best, most = key, apart
		}
	}
	return best
}

// Rank returns the number of tags and of exact tags, by which a selector precedes
// another. Two wildcards outrank one exact tag.
func (tags Tags) Rank() (number, exact int) {
	for _, value := range tags {
		if value != Any {
			exact++
		}
	}
	return len(tags), exact
}

// Keys returns the keys in order.
func (tags Tags) Keys() []string { return tags.appendKeys(make([]string, 0, len(tags))) }

// appendKeys appends the keys to none, in order.
func (tags Tags) appendKeys(keys []string) []string {
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// AppendContent appends bytes to content that are equal only for equal tags.
func (tags Tags) AppendContent(content []byte) []byte {
	var space [8]string
	for _, key := range tags.appendKeys(space[:0]) {
		for _, text := range []string{key, tags[key]} {
			content = append(binary.AppendUvarint(content, uint64(len(text))), text...)
		}
	}
	return content
}

// String returns key=value, comma separated, in the order of keys; "any proxy" when
// empty.
func (tags Tags) String() string {
	if len(tags) == 0 {
		return "any proxy"
	}
	length := 0
	for key, value := range tags {
		length += len(", =") + len(key) + len(value)
	}
	var b strings.Builder
	b.Grow(length)
	var space [8]string
	for i, key := range tags.appendKeys(space[:0]) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(tags[key])
	}
	return b.String()
}

// Compare orders tags by their sorted keys and values.
func (tags Tags) Compare(other Tags) int {
	return cmp.Or(cmp.Compare(len(tags), len(other)), strings.Compare(tags.String(), other.String()))
}
