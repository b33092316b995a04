import { readFileSync } from 'node:fs'

/** Prints passed, failed and skipped of a Vitest JSON report. A suite that did not load counts as one failure. */
const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}
const broken = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
).length
console.log(report.numPassedTests, report.numFailedTests + broken, report.numPendingTests + report.numTodoTests)
