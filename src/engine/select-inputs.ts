import { fileAt, type ArtifactRef, type TreeFile } from '../core/tree.ts'
import { globPattern, isGlob } from '../pipeline/glob.ts'

/** An output as files of a workspace. `files` are those of a tree, relative to it. */
export interface PlacedOutput {
  readonly path: string
  readonly ref: ArtifactRef
  readonly files: readonly TreeFile[]
}

/**
 * The files of a workspace before `deps` are applied, by path: the commit's, then outputs in order. An
 * output takes the place of whatever stood at its path, a folder as a whole: what the step left there is
 * all there is.
 */
export function mergeFiles(
  source: readonly TreeFile[],
  outputs: readonly PlacedOutput[],
): ReadonlyMap<string, TreeFile> {
  const files = new Map(source.map((file) => [file.path, file]))
  for (const output of outputs) {
    const path = output.path.replace(/\/+$/, '')
    for (const known of files.keys()) if (known === path || known.startsWith(`${path}/`)) files.delete(known)
    for (const file of filesAt(path, output)) files.set(file.path, file)
  }
  return files
}

function filesAt(path: string, output: PlacedOutput): TreeFile[] {
  if (output.ref.kind === 'tree') return output.files.map((file) => ({ ...file, path: `${path}/${file.path}` }))
  return [fileAt(path, output.ref)]
}

export interface Selection {
  readonly files: readonly TreeFile[]
  /** Deps without a wildcard that name nothing. */
  readonly missing: readonly string[]
}

/** Exactly the files that `deps` name, by path. A dep is a file, a folder (with or without `/`) or a glob. */
export function selectFiles(files: ReadonlyMap<string, TreeFile>, deps: readonly string[]): Selection {
  const chosen = new Map<string, TreeFile>()
  const missing: string[] = []
  for (const dep of deps) {
    const matches = matcherOf(dep)
    let found = false
    for (const file of files.values()) {
      if (!matches(file.path)) continue
      found = true
      chosen.set(file.path, file)
    }
    if (!found && !isGlob(dep)) missing.push(dep)
  }
  return { files: [...chosen.values()].sort(byPath), missing }
}

export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}

function matcherOf(dep: string): (path: string) => boolean {
  const plain = dep.replace(/^\.\//, '')
  if (plain === '' || plain === '.') return () => true
  if (isGlob(plain)) {
    const pattern = globPattern(plain)
    return (path) => pattern.test(path)
  }
  const path = plain.replace(/\/+$/, '')
  return plain.endsWith('/')
    ? (candidate) => candidate.startsWith(`${path}/`)
    : (candidate) => candidate === path || candidate.startsWith(`${path}/`)
}
