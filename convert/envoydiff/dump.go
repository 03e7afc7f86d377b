package envoydiff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"tracemigrate/cluster"
)

// Dump is the tracing of one running proxy.
type Dump struct {
	rejected  bool                                            // Envoy refused a newer listener
	node      string                                          // id of the proxy, if the dump has it
	listeners map[string]*hcmv3.HttpConnectionManager_Tracing // by name; nil for a listener without tracing
	clusters  map[string]*clusterv3.Cluster
}

// ErrNoListener reports that a dump has no listener.
var ErrNoListener = errors.New("it has no listener: give Envoy's /config_dump, or the control plane's _config answer")

// ReadDump reads the tracing from a proxy's configuration in JSON: Envoy's
// /config_dump, what `kumactl inspect dataplane --type=config-dump` prints, or
// the control plane's _config answer. It reads a stream and keeps only the tracing of
// HTTP connection managers and the clusters of collectors, so it keeps no secrets.
// Input that is not JSON, or has no listener, is an error.
func ReadDump(r io.Reader) (*Dump, error) {
	d := &dumpReader{decoder: json.NewDecoder(r), dump: &Dump{
		listeners: make(map[string]*hcmv3.HttpConnectionManager_Tracing), clusters: make(map[string]*clusterv3.Cluster),
	}}
	d.decoder.UseNumber()
	if err := d.value(0); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("the JSON ends early")
		}
		return nil, fmt.Errorf("reading JSON at byte %d: %w", d.decoder.InputOffset(), err)
	}
	if !d.seen {
		return nil, ErrNoListener
	}
	d.dump.dropOtherClusters()
	for _, name := range slices.Sorted(maps.Keys(d.dump.listeners)) {
		if tracing := d.dump.listeners[name]; tracing != nil && d.dump.clusters[collectorName(tracing)] == nil {
			return nil, fmt.Errorf("listener %q sends traces to the cluster %q, which is not in the dump; dump clusters as well, or the "+
				"address cannot be compared", name, collectorName(tracing))
		}
	}
	return d.dump, nil
}

type dumpReader struct {
	decoder *json.Decoder
	dump    *Dump
	seen    bool // any listener, HTTP or not
}

// maxDumpDepth is the maximum depth of values above listeners.
const maxDumpDepth = 100

// value reads one value, and descends until it finds a listener or a cluster.
func (d *dumpReader) value(depth int) error {
	if depth > maxDumpDepth {
		return fmt.Errorf("values are nested more than %d deep", maxDumpDepth)
	}
	token, err := d.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		for d.decoder.More() {
			if err := d.value(depth + 1); err != nil {
				return err
			}
		}
		_, err = d.decoder.Token()
		return err
	case json.Delim('{'):
		return d.object(depth)
	}
	return nil
}

// object descends into an object. It decodes a listener or a cluster as a whole,
// because these are small.
func (d *dumpReader) object(depth int) error {
	for d.decoder.More() {
		token, err := d.decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // the decoder accepts no other key
		kind := kindOfKey(key)
		if kind == "" && key != "bootstrap" && !skips(key) {
			if err := d.value(depth + 1); err != nil {
				return err
			}
			continue
		}
		var raw json.RawMessage
		if err := d.decoder.Decode(&raw); err != nil {
			return err
		}
		switch {
		case kind != "":
			err = d.resources(kind, raw)
		case key == "bootstrap":
			var bootstrap struct{ Node struct{ ID string } }
			err = json.Unmarshal(raw, &bootstrap)
			d.dump.node = bootstrap.Node.ID
		case key == "error_state", key == "errorState":
			d.dump.rejected = d.dump.rejected || string(raw) != "null"
		}
		if err != nil {
			return err
		}
	}
	_, err := d.decoder.Token()
	return err
}

// kindOfKey returns the kind of resources below a key, if any. Envoy's dump has the
// keys listener and cluster (envoy.admin.v3.ListenersDump, ClustersDump), and the
// control plane's answer has types.
func kindOfKey(key string) string {
	key = strings.TrimPrefix(key, "type.googleapis.com/")
	switch key {
	case "listener", "envoy.config.listener.v3.Listener":
		return "listener"
	case "cluster", "envoy.config.cluster.v3.Cluster":
		return "cluster"
	}
	return ""
}

// skips reports whether the reader skips the value of key: secrets, and listeners that
// are not in effect (envoy.admin.v3.ListenersConfigDump).
func skips(key string) bool {
	switch key {
	case "error_state", "errorState", "draining_state", "drainingState", "warming_state", "warmingState":
		return true
	}
	return strings.Contains(strings.ToLower(key), "secret")
}

// resources reads one resource, or several by name or in a list. Tracing that it
// cannot read is an error: if skipped, it would equal any other such tracing.
func (d *dumpReader) resources(kind string, raw json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, item := range list {
			if err := d.resources(kind, item); err != nil {
				return err
			}
		}
		return nil
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(raw, &fields) // only an object has fields
	if _, isResource := fields["name"]; !isResource {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if err := d.resources(kind, fields[name]); err != nil {
				return err
			}
		}
		return nil
	}
	var name string
	_ = json.Unmarshal(fields["name"], &name) // an unnamed resource keeps an empty name
	if kind == "cluster" {
		if !strings.Contains(name, "trac") {
			return nil
		}
		c, err := clusterOf(raw)
		if err != nil {
			return fmt.Errorf("cluster %.100q is not understood: %s", name, oneLine(err))
		}
		d.dump.clusters[name] = c
		return nil
	}
	d.seen = true
	return d.dump.listener(name, raw)
}

// oneLine returns an error of protojson without the no-break space that it puts into
// some at random.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\u00a0", " ")), " ")
}

// listener keeps the tracing of the HTTP connection managers within a listener.
func (d *Dump) listener(name string, raw json.RawMessage) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("listener %.100q is not understood: %w", name, err)
	}
	nth := 0
	var failed error
	var find func(any)
	find = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				find(item)
			}
		case map[string]any:
			if kind, _ := v["@type"].(string); strings.HasSuffix(kind, ".HttpConnectionManager") {
				key := name
				if nth > 0 {
					key = fmt.Sprintf("%s#%d", name, nth+1) // a filter chain each
				}
				nth++
				tracing, err := tracingOf(v["tracing"])
				if err != nil && failed == nil {
					failed = fmt.Errorf("the tracing of listener %.100q is not understood: %s", name, oneLine(err))
				}
				d.listeners[key] = tracing
				return
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				find(v[key])
			}
		}
	}
	find(v)
	return failed
}

// tracingOf decodes a connection manager's tracing, nil when there is none. Without a
// provider, as with a backendRef to a MeshOpenTelemetryBackend that does not exist, Envoy
// traces nothing.
func tracingOf(v any) (*hcmv3.HttpConnectionManager_Tracing, error) {
	if v == nil {
		return nil, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tracing hcmv3.HttpConnectionManager_Tracing
	if err := lenient(raw, &tracing); err != nil {
		return nil, err
	}
	if tracing.Provider == nil {
		return nil, nil
	}
	return &tracing, nil
}

// clusterOf decodes a cluster without the extensions that this program does not know.
// An unknown transport socket is an error, because it decides on TLS.
func clusterOf(raw []byte) (*clusterv3.Cluster, error) {
	var c clusterv3.Cluster
	if lenient(raw, &c) == nil {
		return &c, nil
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	for key, value := range fields {
		switch key {
		case "transportSocket", "transport_socket", "transportSocketMatches", "transport_socket_matches":
		default:
			if !dropUnknown(value) {
				delete(fields, key)
			}
		}
	}
	known, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	c.Reset()
	return &c, lenient(known, &c)
}

// dropUnknown removes from v every google.protobuf.Any of a type that this program
// does not know. It returns false when v itself is of such a type.
func dropUnknown(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if name, ok := v["@type"].(string); ok {
			if _, err := protoregistry.GlobalTypes.FindMessageByURL(name); err != nil {
				return false
			}
		}
		for key, value := range v {
			if !dropUnknown(value) {
				delete(v, key)
			}
		}
	case []any:
		for i, item := range v {
			if !dropUnknown(item) {
				v[i] = map[string]any{} // keeps the positions of the others
			}
		}
	}
	return true
}

func lenient(raw []byte, to proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, to)
}

// dropOtherClusters drops the clusters that no tracing names.
func (d *Dump) dropOtherClusters() {
	used := make(map[string]bool)
	for _, tracing := range d.listeners {
		if tracing != nil {
			used[collectorName(tracing)] = true
		}
	}
	maps.DeleteFunc(d.clusters, func(name string, _ *clusterv3.Cluster) bool { return !used[name] })
}

// collectorName returns the cluster that a tracing sends to.
func collectorName(tracing *hcmv3.HttpConnectionManager_Tracing) string {
	config, err := tracing.GetProvider().GetTypedConfig().UnmarshalNew()
	if err != nil {
		return ""
	}
	if otel, ok := config.(*tracev3.OpenTelemetryConfig); ok {
		if to := otel.GetHttpService().GetHttpUri().GetCluster(); to != "" {
			return to
		}
		return otel.GetGrpcService().GetEnvoyGrpc().GetClusterName()
	}
	if tracer, ok := config.(interface{ GetCollectorCluster() string }); ok {
		return tracer.GetCollectorCluster()
	}
	return ""
}

func (d *Dump) flat(name string) flat {
	tracing := d.listeners[name]
	if tracing == nil {
		return nil
	}
	return flatten(tracing, d.clusters[collectorName(tracing)])
}

// directionOf returns a listener's direction from its name, in both of Kuma's naming
// schemes (self_inbound_..., inbound:..., outbound:...).
func directionOf(name string) cluster.Direction {
	switch {
	case strings.HasPrefix(name, "inbound:"), strings.HasPrefix(name, "self_inbound"), strings.HasPrefix(name, "contextual_inbound"):
		return cluster.DirectionInbound
	case strings.HasPrefix(name, "outbound:"), strings.Contains(name, "_outbound"), strings.HasPrefix(name, "kri_"), isZoneEgress(name):
		return cluster.DirectionOutbound
	}
	return cluster.DirectionGateway
}

// isZoneEgress reports whether a listener makes the proxy a zone's egress.
func isZoneEgress(name string) bool { return strings.HasPrefix(name, "self_zoneegress_") }
