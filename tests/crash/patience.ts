import { isAppError } from '../../src/core/errors.ts'

const PATIENCE_MS = 1_200_000

/** Does something at a server that may die meanwhile: again until it answers. An answer that says no is thrown. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  return untilTrue('the server to answer', async () => {
    try {
      return { value: await work() }
    } catch (error) {
      if (isAppError(error) && error.status < 500) throw error
      return undefined
    }
  }).then(({ value }) => value)
}

/** Polls until there is something. Generous: how long it takes is no test's matter. */
export async function untilTrue<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
