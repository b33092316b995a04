import { posix } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { Tree, TreeFile } from '../core/tree.ts'
import { isDigest } from '../core/digest.ts'

/** What is wrong with a path of a tree; undefined where it is fine. See `core/tree.ts` for the rules. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'it is empty'
  if (path.includes('\0')) return 'it contains a NUL'
  if (path.startsWith('/')) return 'it is absolute'
  for (const part of path.split('/')) {
    if (part === '') return 'it has an empty part'
    if (part === '.' || part === '..') return `it contains "${part}"`
  }
  return undefined
}

/**
 * Refuses files that cannot be written below one folder without leaving it: bad paths, a path twice, or a
 * file that would be written through a symbolic link or a file of the same list. `folders` stay empty: nothing of
 * the list lies in them.
 */
export function checkTreeFiles(files: readonly TreeFile[], folders: readonly string[] = []): void {
  const seen = new Set<string>()
  for (const path of [...files.map((file) => file.path), ...folders]) {
    const problem = pathProblem(path)
    if (problem) refuse(path, problem)
    if (seen.has(path)) refuse(path, 'it is there twice')
    seen.add(path)
  }
  for (const path of seen) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (seen.has(path.slice(0, end))) refuse(path, `"${path.slice(0, end)}" is not a folder`)
    }
  }
}

/** Whether a symbolic link at `path` stays below the folder that the path is relative to. */
export function linkStaysInside(path: string, target: string): boolean {
  if (posix.isAbsolute(target) || target.includes('\0')) return false
  const end = posix.join(posix.dirname(path), target)
  return end !== '..' && !end.startsWith('../')
}

/** Text from a store is somebody's input: only what is exactly a tree gets through. */
export function parseTree(text: string): Tree {
  const value = JSON.parse(text) as Partial<Tree> | null
  if (value?.kind !== 'tree' || !Array.isArray(value.files))
    throw new AppError('DAMAGED', 'This content is not a tree.')
  const files = value.files.map(treeFile)
  checkTreeFiles(files)
  return { kind: 'tree', files }
}

function treeFile(value: Partial<TreeFile> | null): TreeFile {
  const { path, digest, size, executable, symlink } = value ?? {}
  if (typeof path !== 'string' || typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') {
    throw new AppError('DAMAGED', 'This tree has a file without path, digest or size.')
  }
  return { path, digest, size, executable: executable === true, ...(symlink === true ? { symlink } : {}) }
}

function refuse(path: string, problem: string): never {
  throw new AppError('INVALID_INPUT', `The path ${JSON.stringify(path)} cannot be part of a tree: ${problem}.`, {
    path,
  })
}
