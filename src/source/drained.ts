import type { Writable } from 'node:stream'

/** After a `write` that answered false: when there is room again, or never will be. */
export function drained(target: Writable): Promise<void> {
  if (target.destroyed || !target.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      target.off('drain', done).off('close', done)
      resolve()
    }
    target.once('drain', done).once('close', done)
  })
}
