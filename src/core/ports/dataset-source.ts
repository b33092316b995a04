import type { Readable } from 'node:stream'

/**
 * Content outside git, as it is now: one file, or a folder of files. Reading changes nothing there. A stamp is
 * the source's own word for "unchanged" (an ETag, a digest): equal stamps of a file mean equal content.
 * Everything that a person can mend fails with INVALID_INPUT or NOT_FOUND; what may be well again in a moment
 * (a connection that broke, a server that is overloaded) with UPSTREAM, and is tried again by the caller.
 */
export interface DatasetSource extends AsyncDisposable {
  readonly isFolder: boolean
  /** Of a file exactly one, with the path ''. Sorted by path. */
  list(signal: AbortSignal): Promise<SourceFile[]>
  /** From byte `from` on, as far as the source can; `start` says where the answer begins. */
  open(file: SourceFile, ask: OpenRequest, signal: AbortSignal): Promise<OpenedFile>
}

export interface SourceFile {
  /** Relative to the folder, with `/`. */
  readonly path: string
  /** Absent: known only once it is opened. */
  readonly size?: number
  readonly stamp?: string
}

export interface OpenRequest {
  readonly from: number
  /** What `from` counts in: the rest is only given where it still is this content, else all from the start. */
  readonly stamp?: string
  /** A stamp of what is there already: when it is still that, nothing is sent. */
  readonly known?: string
}

export type OpenedFile =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'content'
      readonly content: Readable
      readonly start: number
      /** Of the whole file, where the source says it. */
      readonly size?: number
      /** Absent: the source has no word for "unchanged". */
      readonly stamp?: string
    }
