package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/controlplane"
)

// openControlPlane returns the REST API of a control plane, by its URL or its name in
// kumactl's configuration.
func openControlPlane(c *cli.Context, name string, progress *progress) (*controlplane.ControlPlane, error) {
	config, err := controlPlaneConfig(c, name)
	if err != nil {
		return nil, err
	}
	if err := addCredentials(c, &config); err != nil {
		return nil, err
	}
	base, err := config.Transport()
	if err != nil {
		return nil, err
	}
	limits, err := listLimits(c)
	if err != nil {
		return nil, err
	}
	return controlplane.New(controlplane.Options{
		Limits: limits,
		URL:    config.URL, Name: config.Name, Headers: config.Headers, Token: config.Token, Base: base,
		Meshes: meshesOf(c), Progress: progress.read, Wait: progress.wait,
	})
}

// controlPlaneConfig returns a configuration with a URL, or kumactl's for a name.
func controlPlaneConfig(c *cli.Context, name string) (controlplane.Config, error) {
	switch {
	case name == "":
		return controlplane.Config{}, errors.New("--control-plane is empty")
	case strings.Contains(name, "://"):
		return controlplane.Config{URL: name, Headers: make(http.Header)}, nil
	case strings.ContainsAny(name, ":@/"):
		return controlplane.Config{}, errors.New("--control-plane: write the URL with its scheme, http:// or https://")
	}
	return controlplane.FromKumactl(c.String("kumactl-config"), name)
}

// addCredentials sets the credentials that flags select in config.
func addCredentials(c *cli.Context, config *controlplane.Config) error {
	fields := map[string]*string{
		"client-cert": &config.ClientCert, "client-key": &config.ClientKey, "ca-cert": &config.CACert, "token": &config.Token,
	}
	for flag, field := range fields {
		if value := c.String(flag); value != "" {
			*field = value
		}
	}
	tokenFlag := firstSet(c, []string{"token"}) != ""
	if path := c.String("token-file"); path != "" {
		if tokenFlag {
			return errors.New("--token and --token-file cannot be combined: each is the token")
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading the token: %w", err)
		}
		config.Token = strings.TrimSpace(string(text))
	}
	if strings.ContainsAny(config.Token, "\r\n") {
		return errors.New("the token has more than one line")
	}
	for _, header := range c.StringSlice("header") {
		key, value, ok := strings.Cut(header, "=")
		if !ok {
			return errors.New("--header: write NAME=VALUE") // the value may be a secret
		}
		config.Headers.Set(key, value)
		if http.CanonicalHeaderKey(key) == "Authorization" && !tokenFlag && c.String("token-file") == "" {
			config.Token = "" // that of kumactl's configuration or of the environment
		}
	}
	config.SkipVerify = config.SkipVerify || c.Bool("skip-verify")
	return nil
}
