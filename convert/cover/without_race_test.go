package cover_test

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{{
	"TestSmallest", "TestFirst", "TestHostile",
}}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
