package main

import (
	"context"
	"flag"
	"testing"

	"tracemigrate/fixtures"
)

var withoutRace = fixtures.WithoutRace{
	{ // those that need a cluster, and therefore share one
		"TestReadmeOnCluster", "TestScriptsOnCluster", "TestPlanMigratesAndGoesBack", "TestPlanByLabels", "TestPlanByLabelsDeletesMeshTraces", "TestPlanByLabelsReplacesForeign",
		"TestShadowsOfOthersAreReplaced", "TestPlanByLabelsOnUniversal", "TestPlanGoesBackFromAPart", "TestPlanRestoresMeshTraces",
		"TestShellPlaybook", "TestAnsiblePlaybook", "TestActionsPlaybook", "TestDumpsOfRunningProxies",
		"TestNextStepsCanBePasted", "TestShellPlaybookIsClean",
	},
	{ // those that run commands of others
		"TestPlanOnUniversal", "TestScript", "TestReadme", "TestInstallDocument",
		"TestCompletionInBash", "TestCompletionInOtherShells", "TestGitOps", "TestGitHubGate", "TestGitLabGate", "TestControllers",
	},
	{"TestBadLarge", "TestUpgradeCheckScale", "TestManySelectors", "TestLargeReport", "TestLargeFull", "TestManyMeshes", "TestCutMarkdown", "TestLargeDiff"},
	{
		"TestBad", "TestWording",
		"TestKilledWhileWriting", "TestKilledWhileRewriting", "TestInterruptWhileRewriting", "TestTwoRewritesAtOnce",
		"TestOutputOfConcurrentRuns", "TestOutputDirectoryNotWritable", "TestOutputThroughSymlink", "TestOutputInPlace",
		"TestPlantedSecrets", "TestPastedCommands", "FuzzEveryForm",
	},
}

// early are these tests if they began before all others. They take as long as all of those.
var early *fixtures.Running

func TestWithoutRace(t *testing.T) {
	if early != nil {
		early.Check(t)
		return
	}
	withoutRace.Run(t)
}

// beginning is all tests. It begins those without the race detector first.
type beginning struct{ *testing.M }

func (b beginning) Run() int {
	flag.Parse()
	if fixtures.RaceDetector() && fixtures.IsWholeRun() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		early = withoutRace.Begin(ctx)
	}
	return b.M.Run()
}
