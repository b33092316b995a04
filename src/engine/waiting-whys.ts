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
  const unwritten = new Map<string, { readonly runId: string; readonly key: string; readonly why: string }>()
  const written = new Map<string, string>()

  return {
    /** Nothing, where the step says so already. */
    say({ run_id: runId, key, why: before }: StepGlance, why: string): void {
      const id = `${runId}/${key}`
      if (why === (written.get(id) ?? before)) unwritten.delete(id)
      else unwritten.set(id, { runId, key, why })
    },
    /** What is not written yet waits for a later pass. */
    async write(): Promise<void> {
      if (unwritten.size === 0 || performance.now() - writtenAt < BETWEEN_MS) return
      writtenAt = performance.now()
      const all = [...unwritten]
      unwritten.clear()
      if (written.size > REMEMBERED) written.clear()
      for (const [id, { why }] of all) written.set(id, why)
      const same = Map.groupBy(all, ([, { runId, why }]) => `${runId}\n${why}`).values()
      await kernel.options.database.write(
        async (writer) => {
          for (const steps of same) {
            const [, { runId, why }] = steps[0] as (typeof all)[number]
            const keys = steps.map(([, { key }]) => key)
            await setWaitingWhy(writer, runId, keys, why)
          }
        },
        { quiet: true },
      )
    },
  }
}
