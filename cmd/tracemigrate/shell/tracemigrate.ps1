# Completion of tracemigrate for PowerShell.
Register-ArgumentCompleter -Native -CommandName tracemigrate -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_".Trim("'", '"') })
    $program = $words[0]
    $before = @($words | Select-Object -Skip 1)
    if ($PSVersionTable.PSVersion -lt [version]'7.3' -and $wordToComplete -eq '') { $wordToComplete = '""' }
    $lines = @(& $program __complete powershell @before $wordToComplete 2>$null)
    if ($lines.Count -eq 0 -or $lines[0] -ne 'values') { return }
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $value, $about = $_ -split "`t", 2
        if (-not $about) { $about = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
    }
}
