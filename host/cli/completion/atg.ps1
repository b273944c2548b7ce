# Completion of atg for PowerShell. To use it:  atg completion powershell | Out-String | Invoke-Expression
# or for good, add that line to the file that $PROFILE names.

Register-ArgumentCompleter -Native -CommandName atg -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text } | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $words += '""' }
    $files = $false
    & $commandAst.CommandElements[0].Extent.Text __complete @words 2>$null | ForEach-Object {
        if ($_ -eq ':files' -or $_ -eq ':folders') { $files = $true; return }
        if ($_.StartsWith(':')) { return }
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
    # Without an answer PowerShell offers the names of files by itself.
}
