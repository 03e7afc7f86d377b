package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tracemigrate/cluster"
	"tracemigrate/cluster/credential"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
	"tracemigrate/cluster/retry"
)

// pageSize is how many items of a list are asked for at a time. A control
// plane gives 1000 at most.
const pageSize = 500

// rereads is how often a list is read anew when it changes while it is read.
const rereads = 5

// Options say how to reach a control plane.
type Options struct {
	URL     string // http or https, with the path of a proxy in front if there is one
	Name    string // of the control plane in kumactl's configuration, for words
	Headers http.Header
	Token   string
	Base    http.RoundTripper // with TLS set up; see Config.Transport
	Meshes  []string          // to read; empty: all
	Limits  paging.Limits     // of lists and answers; what is 0 is as in paging.Defaults
	// Progress is told how many of a kind were read so far, Wait why the next
	// try has to wait; both may be nil.
	Progress func(kind string, read int)
	Wait     func(reason string, pause time.Duration)
	// Scrub takes credentials that Base sends out of what comes back; may be nil.
	Scrub func(text string) string
}

// ControlPlane is a Source and an Inspector.
type ControlPlane struct {
	options Options
	base    *url.URL
	client  *http.Client
	sent    credential.Set // what every request carries
}

// New returns an error when the URL cannot be one of a control plane. It does
// not yet speak to it.
func New(o Options) (*ControlPlane, error) {
	base, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return nil, errors.New("the URL of the control plane is no URL")
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, fmt.Errorf("the URL of the control plane must be like http://host:5681, not %q", manifest.Redact(o.URL))
	}
	if o.Base == nil {
		o.Base = http.DefaultTransport
	}
	if base.User != nil || base.RawQuery != "" {
		return nil, errors.New("the URL of the control plane holds credentials or a query, which are not sent; leave them out and give --token or --header")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.Fragment = ""
	cp := &ControlPlane{options: o, base: base}
	cp.sent.Add(o.Token)
	for name, values := range o.Headers {
		for _, value := range values {
			if http.CanonicalHeaderKey(name) == "Authorization" {
				cp.sent.AddAuthorization(value)
			} else if len(value) > 3 { // not what is a flag or a number
				cp.sent.Add(value)
			}
		}
	}
	transport := &retry.Transport{Base: o.Base, MaxAnswer: o.Limits.Answer}
	if o.Wait != nil {
		transport.Wait = func(reason string, pause time.Duration) { o.Wait(cp.scrub(reason), pause) }
	}
	cp.client = &http.Client{
		Transport: transport,
		// An answer from elsewhere would get the token, and is no control plane's.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return cp, nil
}

// String names the control plane; New lets no credentials into the URL.
func (cp *ControlPlane) String() string {
	if cp.options.Name != "" {
		return fmt.Sprintf("control plane %q (%s)", cp.options.Name, cp.base)
	}
	return "control plane " + cp.base.String()
}

// StatusError is an answer that is not a success.
type StatusError struct {
	method, path string
	Status       int
	tries        int    // how often it was asked for; 0 when the answer was final
	Title        string // what the control plane says of it
	Detail       string
}

// Error is one line without credentials.
func (e *StatusError) Error() string {
	return manifest.Redact(e.method + " " + e.path + ": " + e.Reason())
}

// Reason is what was answered, without what was asked for.
func (e *StatusError) Reason() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	for _, part := range []string{e.Title, e.Detail} {
		if part != "" && !strings.Contains(text, part) {
			text += ": " + part
		}
	}
	if e.tries > 0 {
		text += fmt.Sprintf(" (after %d tries)", e.tries)
	}
	return manifest.Redact(text)
}

func hasStatus(err error, status ...int) bool {
	var answer *StatusError
	return errors.As(err, &answer) && slices.Contains(status, answer.Status)
}

// get asks for a path below the base and returns the body of a success.
func (cp *ControlPlane) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	at := cp.base.JoinPath(path)
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", path, err)
	}
	for key, values := range cp.options.Headers {
		request.Header[key] = values
	}
	request.Header.Set("Accept", "application/json")
	if cp.options.Token != "" {
		request.Header.Set("Authorization", "Bearer "+cp.options.Token)
	}
	response, err := cp.client.Do(request)
	if err != nil {
		return nil, cp.unreachable(ctx, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := retry.Body(response)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer of GET %s: %w", path, err)
	case response.StatusCode == http.StatusOK:
		return body, nil
	}
	failed := &StatusError{tries: retry.Tries(ctx, response.StatusCode), method: http.MethodGet, path: path, Status: response.StatusCode}
	var said struct{ Title, Detail, Details, Message string }
	if json.Unmarshal(body, &said) == nil || said.Title != "" {
		failed.Title, failed.Detail = said.Title, said.Detail
		if failed.Detail == "" {
			failed.Detail = said.Details + said.Message
		}
	}
	if at, err := response.Location(); err == nil {
		failed.Title = fmt.Sprintf("it redirects to %s://%s%s; a login stands in front of it: give --token or --header, or forward its port", at.Scheme, at.Host, at.Path)
	}
	failed.Title, failed.Detail = cp.scrub(failed.Title), cp.scrub(failed.Detail)
	return nil, failed
}

// scrub takes the credentials that are sent out of what comes back.
func (cp *ControlPlane) scrub(text string) string {
	text = cp.sent.Scrub(text)
	if cp.options.Scrub != nil {
		text = cp.options.Scrub(text)
	}
	return text
}

// unreachable words an error of the connection, and what to do about it.
func (cp *ControlPlane) unreachable(ctx context.Context, path string, err error) error {
	var where *url.Error
	if errors.As(err, &where) {
		err = where.Err // the address is said below, without credentials
	}
	hint := ""
	switch text := err.Error(); {
	case ctx.Err() != nil && strings.Contains(text, "after "):
		return fmt.Errorf("asking %s for %s: %w (%s)", cp, path, ctx.Err(), cp.scrub(text))
	case ctx.Err() != nil:
		return fmt.Errorf("asking %s for %s: %w", cp, path, ctx.Err())
	case strings.Contains(text, "x509: certificate is"), strings.Contains(text, "x509: cannot validate"):
		hint = "; give the URL with the name that the certificate is for"
	case strings.Contains(text, "x509: certificate"):
		hint = "; give the authority that signed its certificate with --ca-cert, or if you must --skip-verify"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), strings.Contains(text, "does not look like a TLS handshake"):
		hint = "; the port speaks http, the port for https is 5682 by default"
	case strings.Contains(text, "malformed HTTP response"), strings.Contains(text, "remote error: tls"):
		hint = "; does the port speak https (5682 by default) and want a client certificate (--client-cert, --client-key)?"
	case strings.Contains(text, "connection refused"):
		hint = "; nothing listens there: is it the API port, 5681 or 5682 by default, and is it forwarded?"
	}
	return fmt.Errorf("reaching %s: %s%s", cp, manifest.Redact(cp.scrub(err.Error())), hint)
}

// paths of the lists, by kind.
var paths = map[string]string{
	cluster.KindMesh:         "meshes",
	cluster.KindTrafficTrace: "traffic-traces",
	cluster.KindMeshTrace:    "meshtraces",
	cluster.KindDataplane:    "dataplanes",
	cluster.KindMeshGateway:  "meshgateways",
	cluster.KindTrafficRoute: "traffic-routes",
}

// Read implements cluster.Source.
func (cp *ControlPlane) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := cp.describe(ctx)
	if err != nil {
		return nil, err
	}
	origin.Meshes = cp.options.Meshes
	if err := cp.meshes(ctx, origin, use); err != nil {
		return nil, err
	}
	for _, kind := range cluster.Kinds() {
		if kind == cluster.KindMesh {
			continue
		}
		if cp.options.Progress != nil {
			cp.options.Progress(kind, 0)
		}
		if err := cp.kind(ctx, origin, kind, use); err != nil {
			return nil, err
		}
	}
	return origin, cp.others(ctx, origin)
}

// pass passes on what was listed, in the form that the control plane's
// environment has it.
func pass(list *paging.List, origin *cluster.Origin, kind string, use func(manifest.Input)) error {
	return list.Drain(func(path string, raw []byte) {
		if origin.Environment == cluster.Kubernetes {
			raw = onKubernetes(kind, raw)
		}
		use(manifest.Object(path, raw))
	})
}

// others reads the names that MeshTraces of other meshes than those asked for
// have or would get on Kubernetes, where all share a namespace.
func (cp *ControlPlane) others(ctx context.Context, origin *cluster.Origin) error {
	if len(cp.options.Meshes) == 0 || origin.Environment != cluster.Kubernetes {
		return nil
	}
	for _, kind := range []string{cluster.KindMeshTrace, cluster.KindTrafficTrace} {
		if slices.Contains(origin.Absent, kind) {
			continue
		}
		list, err := cp.list(ctx, "/"+paths[kind], kind, 0)
		if err != nil {
			return cp.advise(err)
		}
		err = list.Drain(func(_ string, raw []byte) {
			var head struct{ Mesh, Name string }
			if json.Unmarshal(raw, &head) == nil && slices.Contains(cp.options.Meshes, head.Mesh) {
				return
			}
			if kind == cluster.KindTrafficTrace {
				origin.OtherTrafficTraces = append(origin.OtherTrafficTraces, cluster.NewTraceName(head.Mesh, head.Name, raw))
				return
			}
			name, _ := splitName(head.Name)
			origin.OtherMeshTraces = append(origin.OtherMeshTraces, name)
		})
		if err != nil {
			return err
		}
	}
	origin.SortOthers()
	return nil
}

// meshes reads the meshes that were asked for.
func (cp *ControlPlane) meshes(ctx context.Context, origin *cluster.Origin, use func(manifest.Input)) error {
	list, err := cp.list(ctx, "/"+paths[cluster.KindMesh], cluster.KindMesh, 0)
	switch {
	case err != nil:
		return cp.advise(err)
	case len(cp.options.Meshes) == 0:
		return pass(list, origin, cluster.KindMesh, use)
	}
	var known []string
	wanted := paging.New(cp.limits())
	var failed error
	err = list.Drain(func(path string, raw []byte) {
		var head struct{ Name string }
		_ = json.Unmarshal(raw, &head) // what is broken is reported when it is decoded
		known = append(known, head.Name)
		if slices.Contains(cp.options.Meshes, head.Name) {
			failed = errors.Join(failed, wanted.Add(path, raw))
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	if err := cluster.CheckMeshes(cp.String(), cp.options.Meshes, known); err != nil {
		return err
	}
	return pass(wanted, origin, cluster.KindMesh, use)
}

func (cp *ControlPlane) limits() paging.Limits { return cp.options.Limits.Or(paging.Defaults) }

// kind reads all resources of one kind, in the meshes that were asked for.
func (cp *ControlPlane) kind(ctx context.Context, origin *cluster.Origin, kind string, use func(manifest.Input)) error {
	lists := []string{"/" + paths[kind]}
	if len(cp.options.Meshes) > 0 {
		lists = nil
		for _, mesh := range cp.options.Meshes {
			lists = append(lists, "/meshes/"+url.PathEscape(mesh)+"/"+paths[kind])
		}
	}
	var missing, refused error
	read, before := false, 0
	for _, path := range lists {
		list, err := cp.list(ctx, path, kind, before)
		switch {
		case hasStatus(err, http.StatusNotFound) && !origin.Expects(kind) && kind != cluster.KindDataplane:
			missing = err
		case hasStatus(err, http.StatusNotFound) && kind == cluster.KindMeshGateway && len(cp.options.Meshes) == 0:
			origin.Unread = append(origin.Unread, cluster.Unread{What: kind, Reason: err.Error(), Remedy: "find out why the control plane hides a kind that its version has"})
		case hasStatus(err, http.StatusForbidden) && cluster.Optional(kind):
			refused = err
		case err != nil:
			return cp.advise(err)
		default:
			read = true
			before += list.Len()
			if err := pass(list, origin, kind, use); err != nil {
				return err
			}
		}
	}
	switch {
	case refused != nil:
		origin.Unread = append(origin.Unread, cluster.Unread{What: kind, Reason: refused.Error(), Remedy: "give --token one that may read it"})
	case missing != nil && read:
		return cp.advise(missing) // the kind is known, so a mesh is gone
	case missing != nil:
		origin.Absent = append(origin.Absent, kind)
	}
	return nil
}

// advise adds what to do about a refusal.
func (cp *ControlPlane) advise(err error) error {
	switch {
	case err == nil:
		return nil
	case hasStatus(err, http.StatusUnauthorized):
		return fmt.Errorf("%s does not take the credentials: %w; give a token with --token or --token-file, or a client certificate", cp, err)
	case hasStatus(err, http.StatusForbidden):
		return fmt.Errorf("%s does not allow what is needed: %w; give --token one that may read meshes and policies", cp, err)
	case hasStatus(err, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusMovedPermanently):
		return fmt.Errorf("%s: %w", cp, err)
	case hasStatus(err, http.StatusNotFound):
		return fmt.Errorf("%s does not know what every control plane knows: %w; is the URL that of a control plane's API?", cp, err)
	}
	var answer *StatusError
	if errors.As(err, &answer) {
		return fmt.Errorf("%s: %w", cp, err)
	}
	return err
}

// list reads a list as a whole. Its pages are cut by position, so a list that
// changes meanwhile is read anew.
func (cp *ControlPlane) list(ctx context.Context, path, kind string, before int) (*paging.List, error) {
	for range rereads {
		list, steady, err := cp.listOnce(ctx, path, kind, before)
		if err != nil || steady {
			return list, err
		}
	}
	return nil, fmt.Errorf("the list %s of %s changed each of %d times while it was read; try again when fewer come and go", path, cp, rereads)
}

// page is the answer to a list.
type page struct {
	Total *int              `json:"total"`
	Items []json.RawMessage `json:"items"`
	Next  *string           `json:"next"`
}

func (cp *ControlPlane) listOnce(ctx context.Context, path, kind string, before int) (list *paging.List, steady bool, err error) {
	list = paging.New(cp.limits())
	// By hash: two names of one hash, with a seed of each reading's own, only
	// have the list read anew.
	seen, seed := make(map[uint64]struct{}), maphash.MakeSeed()
	total := -1
	query := url.Values{"size": {strconv.Itoa(pageSize)}}
	steady = true
	first, last := "", "" // the page before ended with first, if the next one begins with it
	for asked := map[string]bool{}; ; {
		body, err := cp.get(ctx, path, query)
		if err != nil {
			return nil, false, err
		}
		if err := list.Page(int64(len(body))); err != nil {
			return nil, false, fmt.Errorf("reading the list %s of %s: %w", path, cp, err)
		}
		var p page
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, false, fmt.Errorf("the answer of GET %s from %s is no list in JSON: %w%s", path, cp, err, aboutPage(body))
		}
		if p.Items == nil && p.Total == nil {
			return nil, false, fmt.Errorf("the answer of GET %s from %s is no list: it has neither items nor a total", path, cp)
		}
		for n, raw := range p.Items {
			at := placeOf(raw, path, kind, list.Len())
			if n == 0 && first != "" {
				steady = steady && at == first
				if at == first {
					continue
				}
			}
			hash := maphash.String(seed, at)
			if _, again := seen[hash]; again {
				steady = false
				continue
			}
			seen[hash] = struct{}{}
			if err := list.Add(at, raw); err != nil {
				return nil, false, err
			}
			last = at
		}
		if p.Total != nil {
			steady = steady && (total < 0 || total == *p.Total)
			total = *p.Total
		}
		if cp.options.Progress != nil {
			cp.options.Progress(kind, before+list.Len())
		}
		if p.Next == nil || *p.Next == "" {
			break
		}
		// The control plane writes its own idea of its address before the query.
		next, err := url.Parse(*p.Next)
		if err != nil || asked[next.RawQuery] || next.RawQuery == "" {
			return nil, false, fmt.Errorf("the answer of GET %s from %s names a next page that leads nowhere", path, cp)
		}
		asked[next.RawQuery] = true
		query, first = next.Query(), ""
		// One item more, at the front, shows whether others moved meanwhile: one
		// that goes and one that comes leave the total as it was.
		if offset, err := strconv.Atoi(query.Get("offset")); err == nil && offset > 0 && list.Len() > 0 {
			query.Set("offset", strconv.Itoa(offset-1))
			first = last
		}
	}
	if total >= 0 && total != list.Len() {
		steady = false
	}
	return list, steady, nil
}

// aboutPage says what an answer is that looks like HTML.
func aboutPage(body []byte) string {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return ""
	}
	return "; it is a web page: does a login or a proxy answer in its place?"
}

// placeOf is the path of an item, which is how messages name it. One without a
// name goes by its position, and gets a problem of its own when it is decoded.
func placeOf(raw json.RawMessage, list, kind string, position int) string {
	var head struct{ Mesh, Name string }
	_ = json.Unmarshal(raw, &head) // what is broken is reported when it is decoded
	switch {
	case head.Name == "":
		return fmt.Sprintf("%s (item %d, without a name)", list, position+1)
	case kind == cluster.KindMesh:
		return "/meshes/" + head.Name
	}
	return "/meshes/" + head.Mesh + "/" + paths[kind] + "/" + head.Name
}

// Config implements cluster.Inspector by the control plane's _config, which
// came with 2.7.
func (cp *ControlPlane) Config(ctx context.Context, mesh, proxy string, shadow bool) ([]byte, error) {
	query := url.Values{}
	if shadow {
		query.Set("shadow", "true")
	}
	body, err := cp.get(retry.Own(ctx), "/meshes/"+url.PathEscape(mesh)+"/dataplanes/"+url.PathEscape(proxy)+"/_config", query)
	switch {
	case hasStatus(err, http.StatusMethodNotAllowed):
		return nil, fmt.Errorf("%s is a global control plane, which computes no proxy's configuration: ask that of the zone", cp)
	case err != nil:
		return nil, cp.advise(err)
	}
	return body, nil
}

// Exists implements cluster.Inspector.
func (cp *ControlPlane) Exists(ctx context.Context, mesh, proxy string) (bool, error) {
	_, err := cp.get(ctx, "/meshes/"+url.PathEscape(mesh)+"/dataplanes/"+url.PathEscape(proxy), nil)
	if hasStatus(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, cp.advise(err)
}
