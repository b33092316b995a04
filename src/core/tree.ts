import type { Digest } from './digest.ts'

/**
 * A folder by content. Stored as canonical JSON (see `lib/canonical-json.ts`) whose own digest names the
 * folder, so that equal folders have equal names. Paths are relative, with `/`, sorted by code unit, and
 * never contain `..`, an empty part or a NUL.
 */
export interface Tree {
  readonly kind: 'tree'
  readonly files: readonly TreeFile[]
}

export interface TreeFile {
  readonly path: string
  readonly digest: Digest
  readonly size: number
  readonly executable: boolean
  /** Set for a symbolic link: `digest` is then of the target's text. */
  readonly symlink?: true
}

/** A named output: one file, or a folder as a tree. `digest` is of the bytes or of the tree's JSON. */
export interface ArtifactRef {
  readonly kind: 'file' | 'tree'
  readonly digest: Digest
  readonly size: number
  /** Set for a file that is a program. */
  readonly executable?: true
}

/** An artifact that is a file, as it stands in a folder. */
export function fileAt(path: string, { digest, size, executable }: ArtifactRef): TreeFile {
  return { path, digest, size, executable: executable === true }
}
