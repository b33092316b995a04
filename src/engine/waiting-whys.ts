import type { Kernel } from './kernel.ts'
import { setWaitingWhy, type StepGlance } from './steps.sql.ts'

/** The reason names what is left to wait for, which changes with every member of a matrix that ends. */
const BETWEEN_MS = 300

/**
 * Why steps wait, gathered over a pass and written at its end: hundreds of members of a matrix mostly wait
 * for the same thing, and one statement says it for all of them.
 */
export function collectWhys(kernel: Kernel) {
  let writtenAt = -Infinity
  let said: { readonly runId: string; readonly why: string; readonly keys: string[] }[] = []

  return {
    /** Nothing, where the step says so already. */
    say({ run_id: runId, key, why: before }: StepGlance, why: string): void {
      if (why === before) return
      const same = said.find((each) => each.runId === runId && each.why === why)
      if (same === undefined) said.push({ runId, why, keys: [key] })
      else same.keys.push(key)
    },
    /** At most a few times a second: what is not written is said again in the next pass. */
    async write(): Promise<void> {
      const all = said
      said = []
      if (all.length === 0 || performance.now() - writtenAt < BETWEEN_MS) return
      writtenAt = performance.now()
      await kernel.write(async (writer) => {
        for (const { runId, keys, why } of all) await setWaitingWhy(writer, runId, keys, why)
      })
    },
  }
}
