import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { mapBounded } from '../src/lib/map-bounded.ts'

type Check = readonly [name: string, command: string, args: readonly string[]]

/** Everything that is checked without running the product, in the order of how long it takes. */
const CHECKS: readonly Check[] = [
  ['lint and import table', 'oxlint', []],
  ['types', 'tsc', ['-p', '.', '--noEmit']],
  ['dead code', 'knip', []],
  ['types of the page', 'tsc', ['-p', 'web', '--noEmit']],
  ['stale docs', process.execPath, ['tools/docs/print-all.ts', '--check']],
  ['format', 'oxfmt', ['--check']],
]

/** Two at a time: knip and the printing of docs have one thread, and the others wait for their longest. */
const AT_ONCE = 2

/** Runs all of them and says which failed; one line for each that passed. */
async function check(): Promise<void> {
  const failed = (await mapBounded(CHECKS, AT_ONCE, runCheck)).filter((isOk) => !isOk).length
  console.log(`checks: ${CHECKS.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

async function runCheck([name, command, args]: Check): Promise<boolean> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<boolean>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code === 0))
  })
  const [isOk, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)])
  console.log(isOk ? `ok      ${name}` : `FAILED  ${name}\n${stdout}${stderr}`)
  return isOk
}

await check()
