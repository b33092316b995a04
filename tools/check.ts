import { spawnSync } from 'node:child_process'

/** Everything that is checked without running the product, in the order of how quickly it answers. */
const CHECKS: readonly (readonly [name: string, command: string, args: readonly string[]])[] = [
  ['format', 'oxfmt', ['--check']],
  ['types', 'tsc', ['-p', '.', '--noEmit']],
  ['types of the page', 'tsc', ['-p', 'web', '--noEmit']],
  ['lint and import table', 'oxlint', []],
  ['dead code', 'knip', []],
  ['stale docs', process.execPath, ['tools/docs/print-all.ts', '--check']],
]

/** Runs all of them and says which failed; one line for each that passed. */
function check(): void {
  let failed = 0
  for (const [name, command, args] of CHECKS) {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 })
    if (status === 0) {
      console.log(`ok      ${name}`)
      continue
    }
    failed += 1
    console.log(`FAILED  ${name}\n${stdout}${stderr}`)
  }
  console.log(`checks: ${CHECKS.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

check()
