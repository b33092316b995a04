import { hasCode } from '../lib/error-code.ts'

/** Commands whose work is not what they print: they go on to their end, as if somebody still read it. */
const GO_ON = new Set(['run', 'up', 'demo'])

/**
 * `tidegate logs | head`: nobody reads any more, which is no error. The command ends with the code it has; without
 * this, the write that fails would end it with a stack trace.
 */
export function endWithOutput(args: readonly string[]): void {
  const goesOn = args.some((arg) => GO_ON.has(arg))
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error) => {
      if (!hasCode(error, 'EPIPE', 'ERR_STREAM_DESTROYED')) throw error
      if (!goesOn) process.exit()
    })
  }
}
