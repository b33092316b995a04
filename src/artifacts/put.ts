import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { AppError } from '../core/errors.ts'
import { showBytes } from '../lib/show-bytes.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { checkTreeFiles, linkStaysInside } from './tree-paths.ts'
import type { ArtifactRef, Tree, TreeFile } from '../core/tree.ts'
import type { Store } from '../core/ports/store.ts'

/** Read whole below this size: then what the store has already is not written again. */
const WHOLE_BYTES = 1 << 20

/** Does not follow a link at `path`. */
export async function putFile(store: Store, path: string): Promise<ArtifactRef> {
  const stats = await lstat(path)
  if (!stats.isFile()) throw new AppError('INVALID_INPUT', `${path} is not a file.`)
  return { kind: 'file', ...(await putContent(store, path, stats.size)) }
}

/**
 * Stores a folder with everything in it but empty folders, sockets, pipes and devices. Symbolic links are
 * kept as links, relative ones also where they say the folder's whole path; one that leads out of the folder is
 * refused, because it would mean something else wherever the folder is restored.
 */
export async function putFolder(store: Store, folder: string): Promise<ArtifactRef> {
  const paths = (await walk(folder)).sort((a, b) => (a.path < b.path ? -1 : 1))
  const files = await mapBounded(paths, 8, (entry) => putEntry(store, folder, entry))
  return putTree(store, files)
}

/** Stores the list of files itself; what they hold is there already. Paths that nobody could restore are refused here. */
export async function putTree(store: Store, files: readonly TreeFile[]): Promise<ArtifactRef> {
  checkTreeFiles(files)
  const tree: Tree = { kind: 'tree', files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
  const { digest } = await store.put(Buffer.from(canonicalJson(tree)))
  return { kind: 'tree', digest, size: files.reduce((sum, file) => sum + file.size, 0) }
}

interface Entry {
  readonly path: string
  readonly isLink: boolean
}

async function putEntry(store: Store, folder: string, { path, isLink }: Entry): Promise<TreeFile> {
  if (isLink) return putLink(store, folder, path)
  const stats = await lstat(join(folder, path))
  const content = await putContent(store, join(folder, path), stats.size)
  return { path, ...content, executable: (stats.mode & 0o100) !== 0 }
}

export async function putLink(store: Store, folder: string, path: string): Promise<TreeFile> {
  const target = relativeTarget(folder, path, await readlink(join(folder, path)))
  if (!linkStaysInside(path, target)) {
    throw new AppError(
      'INVALID_INPUT',
      `The link ${path} leads out of its folder, to ${target}. Store the file itself.`,
    )
  }
  return { path, ...(await store.put(Buffer.from(target))), executable: false, symlink: true }
}

/** `ln -s $PWD/out/v1 out/latest` means what `ln -s v1 out/latest` does, as long as the folder stays where it is. */
function relativeTarget(folder: string, path: string, target: string): string {
  const isPlain = target === posix.normalize(target)
  if (!isPlain || !target.startsWith(`${folder}/`)) return target
  return posix.relative(posix.dirname(join(folder, path)), target)
}

async function putContent(store: Store, path: string, size: number) {
  return size < WHOLE_BYTES
    ? store.put(await readFile(path))
    : store.put(createReadStream(path, { highWaterMark: 1 << 20 }))
}

/**
 * Everything below a folder but empty folders, sockets, pipes and devices. Links are named and never followed, as Node's own
 * recursive reading would: steps make links to anywhere.
 */
export async function walk(folder: string, below = ''): Promise<Entry[]> {
  const found: Entry[] = []
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    if (entry.name.includes(REPLACED)) await refuseOtherNames(folder, below)
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) found.push(...(await walk(folder, path)))
    else if (entry.isFile() || entry.isSymbolicLink()) found.push({ path, isLink: entry.isSymbolicLink() })
  }
  return found
}

/** What bytes that are no UTF-8 are read as; somebody may also have called a file so. */
const REPLACED = '\uFFFD'

/** A tree is text: such a name cannot stand in it, and under the one we read there is no file. */
async function refuseOtherNames(folder: string, below: string): Promise<void> {
  const names = await readdir(join(folder, below), { encoding: 'buffer' })
  const other = names.find((name) => !isUtf8(name))
  if (other === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `The name of ${join(below, showBytes(other))} is not UTF-8. Give it another name.`,
  )
}
