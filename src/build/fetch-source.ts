import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { AppError, isAppError } from '../core/errors.ts'
import type { DatasetSource, SourceFile } from '../core/ports/dataset-source.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { openPatiently, resumedContent, type TransferOptions } from './resumed-content.ts'
import type { SourceMemory } from './source-memory.ts'

export interface FetchOptions extends TransferOptions {
  readonly artifacts: TaskArtifacts
  readonly memory: SourceMemory
}

export interface Fetched {
  readonly artifact: ArtifactRef
  readonly memory: SourceMemory
  /** How many files were sent, of how many. */
  readonly sent: number
  readonly files: number
}

/** Files of one source that are fetched at once. */
const WIDTH = 8
const READINGS = 3

/**
 * Brings what a source has now into the store, as a stream; what its stamp says is unchanged since the last
 * time stays where it is. A file that is replaced while it is read is read again.
 */
export async function fetchSource(source: DatasetSource, options: FetchOptions): Promise<Fetched> {
  for (let readings = 1; ; readings++) {
    try {
      return await fetchOnce(source, options)
    } catch (error) {
      const isReplaced = isAppError(error, 'UPSTREAM') && error.details['replaced'] === true
      if (!isReplaced || readings === READINGS) throw error
      options.log(error.message)
    }
  }
}

async function fetchOnce(source: DatasetSource, options: FetchOptions): Promise<Fetched> {
  const listed = await source.list(options.signal)
  const fetched = await mapBounded(listed, WIDTH, (file) => fetchFile(source, file, options))
  const memory = Object.fromEntries(
    fetched.flatMap(({ path, stamp, ref }) => (stamp === undefined ? [] : [[path, [stamp, ref.digest, ref.size]]])),
  ) as SourceMemory
  const facts = { memory, sent: fetched.filter(({ isNew }) => isNew).length, files: fetched.length }
  const [only] = fetched
  if (!source.isFolder && only !== undefined) return { artifact: only.ref, ...facts }
  const files = fetched.map(({ path, ref: { digest, size } }): TreeFile => ({ path, digest, size, executable: false }))
  return { artifact: await options.artifacts.putTree(files), ...facts }
}

interface FetchedFile {
  readonly path: string
  readonly stamp: string | undefined
  readonly ref: ArtifactRef
  readonly isNew: boolean
}

async function fetchFile(source: DatasetSource, file: SourceFile, options: FetchOptions): Promise<FetchedFile> {
  const { path } = file
  const remembered = await rememberedFile(options, path)
  if (remembered !== undefined && file.stamp === remembered.stamp) return { path, ...remembered, isNew: false }
  const ask = file.stamp === undefined && remembered !== undefined ? { from: 0, known: remembered.stamp } : { from: 0 }
  const opened = await openPatiently(source, file, ask, options)
  if (opened.kind === 'unchanged') {
    if (remembered !== undefined) return { path, ...remembered, isNew: false }
    throw new AppError('UPSTREAM', 'The source says "not modified" to somebody who has nothing.')
  }
  const ref = await options.artifacts.putStream(Readable.from(resumedContent(source, file, opened, options)))
  return { path, stamp: opened.stamp ?? file.stamp, ref, isNew: true }
}

async function rememberedFile(
  { artifacts, memory }: FetchOptions,
  path: string,
): Promise<{ stamp: string; ref: ArtifactRef } | undefined> {
  const entry = Object.hasOwn(memory, path) ? memory[path] : undefined
  if (entry === undefined || !(await artifacts.keep(entry[1]))) return undefined
  return { stamp: entry[0], ref: { kind: 'file', digest: entry[1], size: entry[2] } }
}

/** One file whose content has a name already, its MD5: refused before it is stored when it is something else. */
export async function fetchNamed(
  source: DatasetSource,
  name: {
    readonly md5: string
    /** Text files may be named by their form with Unix line ends. */ readonly isLegacy: boolean
  },
  options: Omit<FetchOptions, 'memory'>,
): Promise<ArtifactRef> {
  const [file = { path: '' }] = await source.list(options.signal)
  const opened = await openPatiently(source, file, { from: 0 }, options)
  if (opened.kind !== 'content') throw new AppError('UPSTREAM', 'The source sent nothing.')
  return options.artifacts.putStream(Readable.from(checked(resumedContent(source, file, opened, options), name)))
}

async function* checked(
  content: AsyncIterable<Buffer>,
  { md5, isLegacy }: { readonly md5: string; readonly isLegacy: boolean },
): AsyncGenerator<Buffer> {
  const plain = createHash('md5')
  const unix = createHash('md5')
  let endsInReturn = false
  for await (const chunk of content) {
    plain.update(chunk)
    if (isLegacy) {
      const text: string = `${endsInReturn ? '\r' : ''}${chunk.toString('latin1')}`
      endsInReturn = text.endsWith('\r')
      unix.update((endsInReturn ? text.slice(0, -1) : text).replaceAll('\r\n', '\n'), 'latin1')
    }
    yield chunk
  }
  if (endsInReturn) unix.update('\r')
  if (plain.digest('hex') === md5 || (isLegacy && unix.digest('hex') === md5)) return
  throw new AppError('INVALID_INPUT', 'its content is not what its name says: the remote is damaged.')
}
