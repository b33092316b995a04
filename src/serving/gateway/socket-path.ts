import { openSync } from 'node:fs'
import { join } from 'node:path'

/** What fits into `sockaddr_un`, with its final NUL. */
const MAX_BYTES = 107

const folders = new Map<string, number>()

/**
 * A path to a socket file that the kernel accepts however deep the folder is: through a descriptor of the
 * folder, which is kept open for the life of this process.
 */
export function shortSocketPath(folder: string, name: string): string {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= MAX_BYTES) return path
  const fd = folders.get(folder) ?? openSync(folder, 'r')
  folders.set(folder, fd)
  return `/proc/self/fd/${fd}/${name}`
}
