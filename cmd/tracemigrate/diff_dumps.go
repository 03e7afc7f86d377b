package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"tracemigrate/convert/envoydiff"
)

func compareDumps(c *cli.Context, _ []envoydiff.Code) ([]*envoydiff.Comparison, error) {
	return nil, errors.New("--before and --after go together")
}
