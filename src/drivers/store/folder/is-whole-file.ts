import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Digest } from '../../../core/digest.ts'
import { hasCode } from '../../../lib/error-code.ts'

/** Whether the file is there and holds what its digest says. A disk that cannot read it has not kept it. */
export async function isWholeFile(path: string, digest: Digest): Promise<boolean> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EIO')) return false
    throw error
  }
  return `sha256:${hash.digest('hex')}` === digest
}
