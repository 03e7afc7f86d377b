package cluster

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// Tag is a key with its value.
type Tag struct{ Key, Value string }

// Tags are the tags of an inbound or a gateway, those of a selector, or the labels of a
// resource: in the order of their keys, each key once. Replicas share them, so that they
// must not be changed. A list takes a fifth of the memory of a map, for tags are few.
type Tags []Tag

// NewTags returns the tags with the keys and values of a map, nil for nil.
func NewTags(values map[string]string) Tags {
	if values == nil {
		return nil
	}
	tags := make(Tags, 0, len(values))
	for key, value := range values {
		tags = append(tags, Tag{key, value})
	}
	return tags.ordered()
}

// ordered sorts what was read into tags. Of equal keys the last counts, as in a JSON object.
func (tags Tags) ordered() Tags {
	ascends := true // as in what a server writes
	for i := 1; i < len(tags) && ascends; i++ {
		ascends = tags[i-1].Key < tags[i].Key
	}
	if !ascends {
		slices.SortStableFunc(tags, func(a, b Tag) int { return strings.Compare(b.Key, a.Key) })
		slices.Reverse(tags)
		tags = slices.CompactFunc(tags, func(a, b Tag) bool { return a.Key == b.Key })
	}
	return tags
}

// TagsOf reads an object of strings; nil when absent or empty.
func TagsOf(v manifest.Value) Tags {
	var tags Tags
	for key, value := range v.StringPairs() {
		if tags == nil {
			tags = make(Tags, 0, v.Len())
		}
		tags = append(tags, Tag{key, value})
	}
	return tags.ordered()
}

// Map returns the keys and values as a map, nil for nil.
func (tags Tags) Map() map[string]string {
	if tags == nil {
		return nil
	}
	values := make(map[string]string, len(tags))
	for _, tag := range tags {
		values[tag.Key] = tag.Value
	}
	return values
}

// MarshalJSON writes an object.
func (tags Tags) MarshalJSON() ([]byte, error) { return json.Marshal(tags.Map()) }

// MarshalYAML writes an object.
func (tags Tags) MarshalYAML() (any, error) { return tags.Map(), nil }

// Get returns the value of a key, empty if tags do not have it.
func (tags Tags) Get(key string) string {
	value, _ := tags.Lookup(key)
	return value
}

// Lookup returns the value of a key, and whether tags have it.
func (tags Tags) Lookup(key string) (value string, ok bool) {
	for i := range tags {
		if tags[i].Key == key {
			return tags[i].Value, true
		}
	}
	return "", false
}

// With returns a copy in which a key has a value.
func (tags Tags) With(key, value string) Tags {
	at, found := slices.BinarySearchFunc(tags, key, func(tag Tag, key string) int { return strings.Compare(tag.Key, key) })
	more := make(Tags, 0, len(tags)+1)
	more = append(append(more, tags[:at]...), Tag{key, value})
	if found {
		at++
	}
	return append(more, tags[at:]...)
}

// Without returns a copy without a key.
func (tags Tags) Without(key string) Tags {
	return lists.Keep(tags, func(tag Tag) bool { return tag.Key != key })
}

// And returns tags with those of another set, which decides on keys of both.
func (tags Tags) And(other Tags) Tags {
	for _, tag := range other {
		tags = tags.With(tag.Key, tag.Value)
	}
	return tags
}

// ServiceTag is the tag that every inbound and gateway has.
const ServiceTag = "kuma.io/service"

// ProtocolTag is the tag for the protocol of an inbound.
const ProtocolTag = "kuma.io/protocol"

// IsTag reports whether a Dataplane can have the tag: a value consists of letters,
// digits and .-_: and a key may also have a slash
// (https://kuma.io/docs/2.9.x/production/dp-config/dpp/).
func IsTag(key, value string) bool { return isTagKey(key) && isTagValue(value) }

func isTagKey(key string) bool {
	for i := range len(key) {
		if !tagBytes[key[i]] && key[i] != '/' {
			return false
		}
	}
	return key != ""
}

func isTagValue(value string) bool {
	for i := range len(value) {
		if !tagBytes[value[i]] {
			return false
		}
	}
	return value != ""
}

// tagBytes has the bytes of a tag's value.
var tagBytes = func() (of [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") {
		of[c] = true
	}
	return of
}()

// Any is the value of a selector's tag that every value satisfies.
const Any = "*"

// Match reports whether one tag set satisfies a selector: it has each key, with the
// selector's value unless that is Any.
func (tags Tags) Match(set Tags) bool {
	i := 0
	for _, want := range tags {
		for i < len(set) && set[i].Key != want.Key { // quicker than the order
			i++
		}
		if i == len(set) || want.Value != Any && want.Value != set[i].Value {
			return false
		}
	}
	return true
}

// Meets reports whether one tag set can satisfy both selectors.
func (tags Tags) Meets(other Tags) bool {
	for _, tag := range tags {
		if value, ok := other.Lookup(tag.Key); ok && value != tag.Value && value != Any && tag.Value != Any {
			return false
		}
	}
	return true
}

// DividingKey returns the key by whose values most pairs of selectors cannot meet.
func DividingKey(selectors []Tags) string {
	values := make(map[string]map[string]int) // selectors, by key and value
	for _, selector := range selectors {
		for _, tag := range selector {
			if tag.Value == Any {
				continue
			}
			if values[tag.Key] == nil {
				values[tag.Key] = make(map[string]int)
			}
			values[tag.Key][tag.Value]++
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
	for _, tag := range tags {
		if tag.Value != Any {
			exact++
		}
	}
	return len(tags), exact
}

// compareRanks compares two selectors by their ranks.
func compareRanks(a, b Tags) int {
	number, exact := a.Rank()
	otherNumber, otherExact := b.Rank()
	return cmp.Or(cmp.Compare(number, otherNumber), cmp.Compare(exact, otherExact))
}

// AppendContent appends bytes to content that are equal only for equal tags.
func (tags Tags) AppendContent(content []byte) []byte {
	for _, tag := range tags {
		for _, text := range []string{tag.Key, tag.Value} {
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
	for _, tag := range tags {
		length += len(", =") + len(tag.Key) + len(tag.Value)
	}
	var b strings.Builder
	b.Grow(length)
	for i, tag := range tags {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(tag.Key)
		b.WriteByte('=')
		b.WriteString(tag.Value)
	}
	return b.String()
}

// Compare orders tags by their sorted keys and values.
func (tags Tags) Compare(other Tags) int {
	return cmp.Or(cmp.Compare(len(tags), len(other)), strings.Compare(tags.String(), other.String()))
}
