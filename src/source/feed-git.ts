import { pipeline, type Readable, type Transform, type Writable } from 'node:stream'
import { drained } from './drained.ts'

/**
 * Hands a request's body to git. A git that has heard enough closes its ear, to say why in its answer; the
 * rest of the body is then read and dropped, because a client that cannot finish sending never reads the
 * answer. A request cut short is an early end to git, which then refuses by itself. Never throws.
 */
export async function feedGit(steps: [Readable, ...Transform[]], stdin: Writable): Promise<void> {
  stdin.on('error', () => undefined)
  const body = steps.length === 1 ? steps[0] : (pipeline(steps, () => undefined) as unknown as Readable)
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (!stdin.writable || stdin.write(chunk)) continue
      await drained(stdin)
    }
    stdin.end()
  } catch {
    // Cut short, too large or not what it says it is: git sees the early end.
    stdin.destroy()
  }
}
