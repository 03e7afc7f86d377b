package main

import (
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{
	{ // those that need a cluster, and therefore share one
		"TestReadmeOnCluster", "TestScriptsOnCluster", "TestPlanMigratesAndGoesBack", "TestPlanGoesBackFromAPart", "TestPlanRestoresMeshTraces",
		"TestShellPlaybook", "TestAnsiblePlaybook", "TestActionsPlaybook", "TestDumpsOfRunningProxies",
		"TestNextStepsCanBePasted", "TestShellPlaybookIsClean", "TestPlanOnUniversal", "TestScript", "TestReadme", "TestInstallDocument",
		"TestCompletionInBash", "TestCompletionInOtherShells", "TestGitOps", "TestGitHubGate", "TestGitLabGate", "TestControllers",
	},
	{
		"TestBad", "TestBadLarge", "TestWording", "TestUpgradeCheckScale", "TestManySelectors",
		"TestLargeReport", "TestLargeFull", "TestManyMeshes", "TestCutMarkdown", "TestLargeDiff",
		"TestKilledWhileWriting", "TestKilledWhileRewriting", "TestInterruptWhileRewriting", "TestTwoRewritesAtOnce",
		"TestOutputOfConcurrentRuns", "TestOutputDirectoryNotWritable", "TestOutputThroughSymlink", "TestOutputInPlace",
		"TestPlantedSecrets", "TestPastedCommands", "FuzzEveryForm",
	},
}

func TestWithoutRace(t *testing.T) { withoutRace.Run(t) }
