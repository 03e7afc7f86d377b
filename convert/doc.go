// Package convert turns legacy tracing into MeshTraces that change nothing:
// every proxy keeps sending the same traces to the same place at the same rate.
// Convert takes every selector of every TrafficTrace in order of precedence,
// drops what can never decide, makes a policy of the rest, names the policies
// so that MeshTrace's precedence comes out the same, and then holds every known
// proxy's tracing before against that after. Whatever a careful colleague would
// mention is a Note; what cannot be carried over exactly is a Note that is an
// error.
package convert
