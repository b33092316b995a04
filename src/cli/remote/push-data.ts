import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile as readWhole, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { findMissingContent, joinContent, pushDataset, putContent } from '../../api/datasets.ts'
import type { Client } from '../../client/client.ts'
import type { Digest } from '../../core/digest.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { limit } from '../../core/limits.ts'
import type { TreeFile } from '../../core/tree.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { mapBounded } from '../../lib/map-bounded.ts'
import { sha256 } from '../../lib/sha256.ts'

export interface DataToPush {
  readonly project: string
  readonly path: string
  /** A file or a folder of this machine. */
  readonly source: string
}

/** A file of this machine, read once: its name, and the names of its parts. */
interface ReadFile {
  readonly place: string
  readonly digest: Digest
  readonly size: number
  readonly parts: readonly Digest[]
}

/**
 * Sends a file or folder, part by part, and only what the server has not been sent before. So a push that
 * was broken off goes on where it stopped when it is given again.
 */
export async function pushData(
  client: Client,
  { project, path, source }: DataToPush,
  progress: (line: string) => void,
): Promise<z.output<typeof pushDataset.answer>> {
  const isFolder = (await stats(source)).isDirectory()
  const paths = isFolder ? await walk(source) : ['']
  if (paths.length === 0) throw new AppError('INVALID_INPUT', `${source} holds no file: runs would have no data.`)
  progress(`reading ${paths.length} file${paths.length === 1 ? '' : 's'} …`)
  const files = await mapBounded(paths, 4, async (each) => ({ path: each, ...(await readFile(join(source, each))) }))
  await sendFiles(client, project, files, progress)
  const [only] = files
  if (!isFolder && only !== undefined) return name(client, project, { path, kind: 'file', digest: only.digest })
  const tree = Buffer.from(canonicalJson({ kind: 'tree', files: await treeFiles(source, files) }))
  const digest = sha256(tree)
  await sendBytes(client, project, digest, tree)
  return name(client, project, { path, kind: 'tree', digest })
}

function name(client: Client, project: string, body: { path: string; kind: 'file' | 'tree'; digest: Digest }) {
  return client.call(pushDataset, { params: { project }, body })
}

async function stats(source: string) {
  return stat(source).catch((error: unknown) => {
    throw new AppError('INVALID_INPUT', `${source} cannot be read: ${(error as Error).message}`, {}, { cause: error })
  })
}

async function walk(folder: string, below = ''): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) found.push(...(await walk(folder, path)))
    else if (entry.isFile()) found.push(path)
    else
      throw new AppError('INVALID_INPUT', `${join(folder, path)} is no file: a dataset holds files and folders only.`)
  }
  return found
}

async function readFile(place: string): Promise<ReadFile> {
  const { size: expected } = await stat(place)
  // A stream would take a buffer of a whole part for it.
  if (expected < SMALL) {
    const bytes = await readWhole(place)
    const digest = sha256(bytes)
    return { place, digest, size: bytes.length, parts: [digest] }
  }
  const whole = createHash('sha256')
  const parts: Digest[] = []
  let size = 0
  for await (const chunk of createReadStream(place, { highWaterMark: PART }) as AsyncIterable<Buffer>) {
    whole.update(chunk)
    parts.push(sha256(chunk))
    size += chunk.length
  }
  return { place, digest: `sha256:${whole.digest('hex')}`, size, parts }
}

async function treeFiles(source: string, files: readonly (ReadFile & { path: string })[]): Promise<TreeFile[]> {
  const described = await mapBounded(files, 8, async ({ path, digest, size }): Promise<TreeFile> => {
    const { mode } = await stat(join(source, path))
    return { path, digest, size, executable: (mode & 0o100) !== 0 }
  })
  return described.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const SMALL = 1 << 20
const PART = limit('contentPartBytes')
const ASKED = 5_000

async function sendFiles(
  client: Client,
  project: string,
  files: readonly ReadFile[],
  progress: (line: string) => void,
): Promise<void> {
  const missing = await missingOf(
    client,
    project,
    files.map(({ digest }) => digest),
  )
  const toSend = [...new Map(files.map((file) => [file.digest, file])).values()].filter(({ digest }) =>
    missing.has(digest),
  )
  const bytes = toSend.reduce((sum, { size }) => sum + size, 0)
  progress(`${files.length - toSend.length} there already, sending ${toSend.length} (${bytes} bytes)`)
  let sent = 0
  let shown = 0
  await mapBounded(toSend, 4, async (file) => {
    await sendFile(client, project, file)
    sent += file.size
    if (sent - shown < bytes / 20) return
    shown = sent
    progress(`${Math.floor((100 * sent) / Math.max(1, bytes))} %`)
  })
}

async function missingOf(client: Client, project: string, digests: readonly Digest[]): Promise<Set<string>> {
  const missing = new Set<string>()
  for (let start = 0; start < digests.length; start += ASKED) {
    const body = { digests: digests.slice(start, start + ASKED) }
    const answer = await client.call(findMissingContent, { params: { project }, body })
    for (const digest of answer.missing) missing.add(digest)
  }
  return missing
}

async function sendFile(client: Client, project: string, { place, digest, parts, size }: ReadFile): Promise<void> {
  const missing = parts.length > 1 ? await missingOf(client, project, parts) : new Set<string>([digest])
  const file = await open(place)
  try {
    for (let at = 0; at < Math.max(1, parts.length); at++) {
      const part = parts[at] ?? digest
      if (!missing.has(part)) continue
      const bytes = Buffer.alloc(Math.min(PART, size - at * PART))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at * PART)
      await sendBytes(client, project, part, bytes.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
  if (parts.length > 1) await client.call(joinContent, { params: { project, digest }, body: { parts: [...parts] } })
}

const TRIES = 4

/** A server that restarts, or a connection that breaks, costs one part. */
async function sendBytes(client: Client, project: string, digest: Digest, bytes: Uint8Array): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.call(putContent, { params: { project, digest }, content: bytes })
      return
    } catch (error) {
      if (!isAppError(error, 'UPSTREAM') || tries === TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, 500 * tries))
    }
  }
}
