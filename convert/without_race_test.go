package convert_test

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{{
	"TestEquivalent", "TestEquivalentBesideOthers", "TestEquivalentResumed", "TestEquivalentByLabels", "TestEquivalentResumedByLabels",
	"TestEquivalentByZone", "TestEquivalentByLabelsAndZone", "TestVerdictsAgree", "TestStates", "TestSchemas", "TestNamesAcrossMeshes",
}}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
