// Package convert turns legacy tracing into MeshTraces that change nothing:
// every proxy keeps sending the same traces to the same place at the same rate.
// Convert takes every selector of every TrafficTrace in order of precedence,
// drops what can never decide, makes a policy of each other one, and names the
// policies so that MeshTrace's precedence is the same. Then it compares every
// known proxy's tracing before and after. A Note says what a careful colleague
// would mention; a note that is an error says what cannot be carried over.
package convert
