import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDigest, type Digest } from '../core/digest.ts'

/** What a blob of git's is in our store. */
export interface IndexedBlob {
  readonly digest: Digest
  readonly size: number
  readonly isLfsPointer: boolean
}

/**
 * `<repository>/tidegate/blobs.txt`, one line a blob: git's id, our digest, size, `lfs` or `-`. Only ever
 * appended to, so several processes may use it; a line that a crash cut short does not parse and its blob is
 * read again. Contents never change under a git id, so it is never wrong.
 */
export async function readBlobIndex(repository: string): Promise<Map<string, IndexedBlob>> {
  const index = new Map<string, IndexedBlob>()
  for (const line of (await readIfThere(indexFile(repository))).split('\n')) {
    const [blob, digest, size, kind, rest] = line.split(' ')
    if (blob === undefined || digest === undefined || !isDigest(digest) || rest !== undefined) continue
    if (kind !== 'lfs' && kind !== '-') continue
    index.set(blob, { digest, size: Number(size), isLfsPointer: kind === 'lfs' })
  }
  return index
}

export async function addToBlobIndex(repository: string, blobs: ReadonlyMap<string, IndexedBlob>): Promise<void> {
  if (blobs.size === 0) return
  let text = '\n'
  for (const [blob, { digest, size, isLfsPointer }] of blobs) {
    text += `${blob} ${digest} ${size} ${isLfsPointer ? 'lfs' : '-'}\n`
  }
  await mkdir(join(repository, 'tidegate'), { recursive: true })
  await appendFile(indexFile(repository), text)
}

function indexFile(repository: string): string {
  return join(repository, 'tidegate', 'blobs.txt')
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
