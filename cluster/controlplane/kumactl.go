package controlplane

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Config is how kumactl reaches a control plane:
// kuma.kumactl.config.v1alpha1.ControlPlaneCoordinates.ApiServer.
type Config struct {
	Name       string      `yaml:"-"` // in kumactl's configuration; empty for a URL
	URL        string      `yaml:"url"`
	CACert     string      `yaml:"caCertFile"`     // file; empty: the system's authorities
	ClientCert string      `yaml:"clientCertFile"` // file
	ClientKey  string      `yaml:"clientKeyFile"`  // file
	SkipVerify bool        `yaml:"skipVerify"`     // accept any certificate of the server
	Headers    http.Header `yaml:"-"`
	Token      string      `yaml:"-"`
}

// kumactlFile has the fields of kumactl's configuration file that are read here. Files
// of older versions use another name for the headers.
type kumactlFile struct {
	Contexts []struct {
		Name         string `yaml:"name"`
		ControlPlane string `yaml:"controlPlane"`
	} `yaml:"contexts"`
	ControlPlanes []struct {
		Name        string `yaml:"name"`
		Coordinates struct {
			APIServer struct {
				Config     Config            `yaml:",inline"`
				Headers    []kumactlHeader   `yaml:"headers"`
				AddHeaders []kumactlHeader   `yaml:"addHeaders"`
				AuthType   string            `yaml:"authType"`
				AuthConf   map[string]string `yaml:"authConf"`
			} `yaml:"apiServer"`
		} `yaml:"coordinates"`
	} `yaml:"controlPlanes"`
}

type kumactlHeader struct {
	Key   string `yaml:"key"`
	Value string `yaml:"value"`
}

// readKumactl reads kumactl's configuration file, without a path the one in the home
// directory, and returns its path.
func readKumactl(path string) (file kumactlFile, from string, err error) {
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return file, "", fmt.Errorf("looking for kumactl's configuration: %w", err)
		}
		path = filepath.Join(home, ".kumactl", "config")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return file, path, fmt.Errorf("reading kumactl's configuration: %w", err)
	}
	if yaml.Unmarshal(text, &file) != nil { // whose message may repeat the text, which contains tokens
		return file, path, fmt.Errorf("reading kumactl's configuration: %s is not in kumactl's form", path)
	}
	return file, path, nil
}

// FromKumactl finds a control plane, or a context, by name in kumactl's configuration
// file. If there is none of that name, the error lists the existing names.
func FromKumactl(path, name string) (Config, error) {
	file, path, err := readKumactl(path)
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, fmt.Errorf("control plane %q is a name, which is looked up in kumactl's configuration, and %s does not exist; "+
			"pass a URL such as http://localhost:5681, or --kumactl-config", name, path)
	}
	if err != nil {
		return Config{}, err
	}
	wanted := name
	names := file.names()
	if !slices.Contains(names, name) {
		for _, context := range file.Contexts {
			if context.Name == name {
				wanted = context.ControlPlane
			}
		}
	}
	for _, cp := range file.ControlPlanes {
		if cp.Name != wanted {
			continue
		}
		api := cp.Coordinates.APIServer
		found := api.Config
		found.Name, found.Headers, found.Token = cp.Name, make(http.Header), api.AuthConf["token"]
		for _, header := range slices.Concat(api.AddHeaders, api.Headers) {
			found.Headers.Add(header.Key, header.Value)
		}
		if api.AuthType != "" && api.AuthType != "tokens" {
			return Config{}, fmt.Errorf("control plane %q uses the authentication %q, which is not supported here; "+
				"pass --token or a client certificate and its URL", name, api.AuthType)
		}
		return found, nil
	}
	if len(names) == 0 {
		return Config{}, fmt.Errorf("kumactl's configuration %s has no control plane %q, and no other; pass its URL", path, name)
	}
	return Config{}, fmt.Errorf("kumactl's configuration %s has no control plane %q; it has: %s", path, name, strings.Join(names, ", "))
}

// KumactlNames returns the names of the control planes in kumactl's configuration file, none
// if it cannot be read.
func KumactlNames(path string) []string {
	file, _, err := readKumactl(path)
	if err != nil {
		return nil
	}
	return slices.Sorted(slices.Values(file.names()))
}

// names returns the names of the control planes, in the order of the file.
func (f *kumactlFile) names() []string {
	var names []string
	for _, cp := range f.ControlPlanes {
		names = append(names, cp.Name)
	}
	return names
}

// Transport returns a transport with the TLS settings of the configuration. It returns
// an error when one of its files cannot be read.
func (c *Config) Transport() (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16 // several proxies are requested at a time
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: c.SkipVerify, MinVersion: tls.VersionTLS12}
	if c.CACert != "" {
		pem, err := os.ReadFile(c.CACert)
		if err != nil {
			return nil, fmt.Errorf("reading the CA certificate: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the CA certificate: %s does not contain a certificate in PEM form", c.CACert)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	switch {
	case c.ClientCert == "" && c.ClientKey == "":
	case c.ClientCert == "" || c.ClientKey == "":
		return nil, errors.New("a client certificate and its key go together: --client-cert and --client-key")
	default:
		pair, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return transport, nil
}
