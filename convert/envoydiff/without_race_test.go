package envoydiff_test

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{{
	"TestMutations", "TestDumpsRecorded", "TestCompareShadowRecorded", "TestUpgradeRecorded",
}}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
