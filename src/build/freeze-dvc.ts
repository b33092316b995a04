import { isAbsolute } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { DatasetSource } from '../core/ports/dataset-source.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import type { DvcOut } from '../pipeline/dvc-out.ts'
import { fetchNamed, type FetchOptions } from './fetch-source.ts'
import { readMemory, writeMemory, type SourceMemory } from './source-memory.ts'

/** Opens one file of a remote by its address: `/folder/…`, `s3://…` or `https://…`. */
export type OpenRemote = (address: string, out: DvcOut) => Promise<DatasetSource>

export interface DvcOptions extends Omit<FetchOptions, 'memory'> {
  /** Remembers by MD5 what was fetched before: content by its name never changes. */
  readonly memoryFile: string
}

/** Of files of one folder that are fetched at once. */
const WIDTH = 8

/**
 * An output of DVC, by the name that the commit gives it, from the commit's remote. Every file is checked
 * against its MD5 while it streams into the store; a folder's list (`.dir`) too.
 */
export async function freezeDvc(out: DvcOut, open: OpenRemote, options: DvcOptions): Promise<ArtifactRef> {
  const known = readMemory(options.memoryFile)
  const fetched: Record<string, SourceMemory[string]> = {}
  const one = async (md5: string): Promise<ArtifactRef> => {
    const [, digest, size] = known[md5] ?? []
    const isKept = digest !== undefined && size !== undefined && (await options.artifacts.keep(digest))
    const ref: ArtifactRef = isKept ? { kind: 'file', digest, size } : await fetchByMd5(out, md5, open, options)
    fetched[md5] = [md5, ref.digest, ref.size]
    return ref
  }
  const artifact = out.isFolder ? await freezeFolder(out, one, options.artifacts) : await one(out.md5)
  writeMemory(options.memoryFile, fetched)
  return artifact
}

async function freezeFolder(
  out: DvcOut,
  one: (md5: string) => Promise<ArtifactRef>,
  artifacts: TaskArtifacts,
): Promise<ArtifactRef> {
  const list = await one(`${out.md5}.dir`)
  const entries = parseDir((await artifacts.read(list.digest)).toString('utf8'))
  const files = await mapBounded(entries, WIDTH, async ({ md5, relpath }): Promise<TreeFile> => {
    const { digest, size } = await one(md5)
    return { path: relpath, digest, size, executable: false }
  })
  return artifacts.putTree(files)
}

/** Paths are checked when the tree is read back; names of contents here, because they become addresses. */
function parseDir(text: string): { md5: string; relpath: string }[] {
  const list = JSON.parse(text) as { md5?: unknown; relpath?: unknown }[]
  return list.map(({ md5, relpath }) => {
    if (typeof md5 === 'string' && /^[0-9a-f]{32}$/.test(md5) && typeof relpath === 'string') return { md5, relpath }
    throw new AppError('INVALID_INPUT', 'the folder’s list in the remote of DVC is damaged')
  })
}

async function fetchByMd5(out: DvcOut, name: string, open: OpenRemote, options: DvcOptions): Promise<ArtifactRef> {
  const address = `${out.remote.url.replace(/\/+$/, '')}${out.isLegacy ? '' : '/files/md5'}/${name.slice(0, 2)}/${name.slice(2)}`
  try {
    await using source = await open(address, out)
    return await fetchNamed(source, { md5: name.replace(/\.dir$/, ''), isLegacy: out.isLegacy }, options)
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    const message = `${name} of the remote "${out.remote.name}" of DVC: ${error.message} Run \`dvc push\` where the data is.`
    throw new AppError(error.code, message, error.details, { cause: error })
  }
}

/** The remote's address as one of ours; a folder must be absolute, because a server has no working folder. */
export function remoteKind(url: string): 'folder' | 's3' | 'https' {
  if (url.startsWith('s3://')) return 's3'
  if (url.startsWith('https://')) return 'https'
  if (isAbsolute(url)) return 'folder'
  throw new AppError(
    'INVALID_INPUT',
    `The remote of DVC is ${url}. Tidegate reads remotes that are s3://…, https://…, or a folder by its absolute path; add one with \`dvc remote add\`.`,
  )
}
