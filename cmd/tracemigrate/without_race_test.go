package main

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{
	"TestBad", "TestBadLarge", "TestWording", "TestScript", "TestUpgradeCheckScale",
	"TestGitOps", "TestReadmeOnCluster", "TestScriptsOnCluster", "TestGitHubGate", "TestGitLabGate", "TestControllers",
	"TestPlanMigratesAndGoesBack", "TestPlanGoesBackFromAPart", "TestPlanRestoresMeshTraces", "TestPlanOnUniversal",
	"TestShellPlaybook", "TestAnsiblePlaybook", "TestActionsPlaybook", "TestDumpsOfRunningProxies",
	"TestNextStepsCanBePasted", "TestShellPlaybookIsClean",
	"TestKilledWhileWriting", "TestKilledWhileRewriting", "TestInterruptWhileRewriting", "TestTwoRewritesAtOnce",
	"TestInstallDocument", "TestCompletionInBash", "TestCompletionInOtherShells", "TestReadme",
	"TestPlantedSecrets", "TestPastedCommands", "FuzzEveryForm", "TestOutputInPlace",
}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
