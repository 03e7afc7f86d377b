package cover

import "math/bits"

// bitSet is a set of classes, or of rows of a table.
type bitSet []uint64

func newBitSet(size int) bitSet { return make(bitSet, (size+63)/64) }

func (s bitSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s bitSet) remove(i int)   { s[i/64] &^= 1 << (i % 64) }
func (s bitSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s bitSet) isSubset(of bitSet) bool {
	for i, word := range s {
		if word&^of[i] != 0 {
			return false
		}
	}
	return true
}

// common returns how many members both sets have.
func (s bitSet) common(other bitSet) int {
	n := 0
	for i, word := range s {
		n += bits.OnesCount64(word & other[i])
	}
	return n
}

func (s bitSet) isEmpty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}

// without returns the members of s that another set does not have.
func (s bitSet) without(other bitSet) bitSet {
	rest := make(bitSet, len(s))
	for i, word := range s {
		rest[i] = word &^ other[i]
	}
	return rest
}
