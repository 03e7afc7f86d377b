package edit

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{{"TestRandomRemovals", "TestRandomScripts"}}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
