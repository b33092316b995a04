import { appendFileSync, chmodSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { listenAtPoints } from '../../src/core/points.ts'
import { parseArm } from './arms.ts'

/**
 * Loaded with `--import` before `tidegate up` as it is: does at its points what the files in
 * `<TIDEGATE_TEST_ARMS>/armed` say. Supervisors and the gateway get it the same way, through a wrapper around
 * Node; everything else about them is as in production.
 */
const folder = process.env['TIDEGATE_TEST_ARMS']
if (folder !== undefined) {
  if (process.argv.includes('up')) wrapChildren(folder)
  listenAtPoints(async (point, subject) => {
    const name = take(folder, point, subject)
    if (name === undefined) return
    appendFileSync(join(folder, 'reached'), `${point}\t${subject}\t${process.pid}\n`)
    const { action } = parseArm(name)
    if (action === 'break') throw new Error(`broken by a test at "${point}" of ${subject}`)
    if (action === 'hold') return held(join(folder, 'held', name))
    process.kill(process.pid, 'SIGKILL')
    // Nothing of ours runs once the kernel has looked.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}

/** Of several processes at an armed point exactly one takes it: a file is renamed once. */
function take(place: string, point: string, subject: string): string | undefined {
  for (const name of readdirSync(join(place, 'armed'))) {
    const arm = parseArm(name)
    if (arm.point !== point || !subject.startsWith(arm.subject)) continue
    try {
      renameSync(join(place, 'armed', name), join(place, arm.action === 'hold' ? 'held' : 'taken', name))
      return name
    } catch {
      // Somebody else was first.
      continue
    }
  }
  return undefined
}

/** Until the test removes the file. */
async function held(file: string): Promise<void> {
  while (existsSync(file)) await sleep(10)
}

/** The server starts its children with `process.execPath`. */
function wrapChildren(place: string): void {
  const wrapper = join(place, `node-${process.pid}`)
  const program = fileURLToPath(import.meta.url)
  rmSync(wrapper, { force: true })
  writeFileSync(
    wrapper,
    `#!/bin/sh\nexport TIDEGATE_TEST_ARMS='${place}' ${clockVariables()}\nexec '${process.execPath}' --import '${program}' "$@"\n`,
  )
  chmodSync(wrapper, 0o755)
  process.execPath = wrapper
}

/** A clock that a test moves is moved for all of our processes, and for no step. */
function clockVariables(): string {
  const names = [
    'LD_PRELOAD',
    'FAKETIME_TIMESTAMP_FILE',
    'FAKETIME_NO_CACHE',
    'FAKETIME_DONT_FAKE_MONOTONIC',
    'NO_FAKE_STAT',
  ]
  return names.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}='${process.env[name]}'`])).join(' ')
}
