import type { Writer } from '../db/open-database.ts'
import type { Kernel } from './kernel.ts'
import { setWaitingWhy, type StepGlance } from './steps.sql.ts'

/** The reason names what is left to wait for, which changes with every member of a matrix that ends. */
const BETWEEN_MS = 300

/** Of this many steps it is remembered what they said last; of the others it is said again. */
const REMEMBERED = 20_000

/**
 * Why steps wait, gathered over passes and written a few times a second: hundreds of members of a matrix mostly
 * wait for the same thing, and one statement says it for all of them.
 */
export function collectWhys(kernel: Kernel) {
  let writtenAt = -Infinity
  const unwritten: WhysOfRuns = new Map()
  const written: WhysOfRuns = new Map()
  let remembered = 0

  function remember(all: readonly (readonly [string, Map<string, string>])[]): void {
    if (remembered > REMEMBERED) {
      written.clear()
      remembered = 0
    }
    for (const [runId, whys] of all) for (const [key, why] of whys) whysOf(written, runId).set(key, why)
    for (const [, whys] of all) remembered += whys.size
  }

  return {
    /** What is said now is written at the end of this pass. */
    isDue: () => performance.now() - writtenAt >= BETWEEN_MS,
    /** Nothing, where the step says so already. */
    say({ run_id: runId, key, why: before }: StepGlance, why: string): void {
      if (why === (written.get(runId)?.get(key) ?? before)) unwritten.get(runId)?.delete(key)
      else whysOf(unwritten, runId).set(key, why)
    },
    /** What is not written yet waits for a later pass. Nothing is said while this lasts: passes do not overlap. */
    async write(): Promise<void> {
      if (performance.now() - writtenAt < BETWEEN_MS) return
      writtenAt = performance.now()
      const all = [...unwritten].filter(([, whys]) => whys.size > 0)
      if (all.length > 0) await kernel.options.database.write((writer) => writeWhys(writer, all), { quiet: true })
      // Not before it is written: what fails is tried again, though nobody says it anew.
      unwritten.clear()
      remember(all)
    },
  }
}

/** By run and by step: looked at for each of thousands that wait, so no name is put together for it. */
type WhysOfRuns = Map<string, Map<string, string>>

function whysOf(all: WhysOfRuns, runId: string): Map<string, string> {
  const whys = all.get(runId) ?? new Map<string, string>()
  all.set(runId, whys)
  return whys
}

async function writeWhys(writer: Writer, all: readonly (readonly [string, Map<string, string>])[]): Promise<void> {
  for (const [runId, whys] of all) {
    for (const [why, same] of Map.groupBy(whys, ([, why]) => why)) {
      const keys = same.map(([key]) => key)
      await setWaitingWhy(writer, runId, keys, why)
    }
  }
}
