package rewrite_test

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{{
	"TestRandomRepositories",
}}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
