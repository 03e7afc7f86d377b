package kube

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Only a missing permission gets the role; a policy that is refused is a result.
func TestLacksPermission(t *testing.T) {
	meshTraces := schema.GroupResource{Group: "kuma.io", Resource: "meshtraces"}
	refused := errors.New("no")
	denied := apierrors.NewForbidden(meshTraces, "all", refused)
	denied.ErrStatus.Details.Causes = []metav1.StatusCause{{Message: "a policy denies it"}}
	for name, tt := range map[string]struct {
		err    error
		update bool
		want   bool
	}{
		"may not create":        {apierrors.NewForbidden(meshTraces, "", refused), false, true},
		"may not update":        {apierrors.NewForbidden(meshTraces, "all", refused), true, true},
		"a quota":               {apierrors.NewForbidden(meshTraces, "all", refused), false, false},
		"an admission policy":   {denied, true, false},
		"a webhook":             {&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: `User "a" cannot do that`}}, false, false},
		"a webhook with causes": {&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Details: denied.ErrStatus.Details}}, false, false},
		"no answer":             {refused, false, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, lacksPermission(tt.err, tt.update)) })
	}
}

// An API server's own answers are Statuses, whose details are objects; the control
// plane behind it has another form.
func TestExplainRefusal(t *testing.T) {
	const status = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"services \"kuma-control-plane\" not found","details":{"name":"kuma-control-plane","kind":"services"},"code":404}`
	for name, tt := range map[string]struct {
		code int
		body string
		want string
	}{
		"no Service":              {http.StatusNotFound, status, `by its Service "kuma-control-plane" in namespace "kuma-system": services "kuma-control-plane" not found; `},
		"not permitted":           {http.StatusForbidden, status, `denies a required permission: services "kuma-control-plane" not found` + "\n"},
		"the control plane's 404": {http.StatusNotFound, `{"title":"Could not retrieve it","details":"services are not there"}`, "404 Not Found: Could not retrieve it: services are not there"},
		"something else":          {http.StatusNotFound, "services not found", "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tt.code)
				_, _ = w.Write([]byte(tt.body))
			}))
			t.Cleanup(server.Close)
			_, err := clusterOf(t, server, nil, Options{}).Config(t.Context(), "default", "web", true)
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, name == "no Service", strings.Contains(err.Error(), "--control-plane"))
		})
	}
}
