package controlplane

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{{"TestReadIsLean"}}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
