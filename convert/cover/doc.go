// Package cover finds the fewest label sets that together select every proxy a legacy
// selector serves, and no proxy that it must not select. A label set selects the
// proxies that have all its labels, as policies do from Kuma 3.0 on. The search is exact
// within a budget of work, and deterministic.
package cover
