import type { Readable } from 'node:stream'
import type { Digest } from '../digest.ts'

/**
 * Content by digest. `put` streams to a temporary name, digests, syncs and renames: a digest that `has`
 * says yes to is whole. Putting what is there already is a success. Several processes may use one store
 * at once.
 */
export interface Store extends AsyncDisposable {
  put(content: Readable | Uint8Array): Promise<{ digest: Digest; size: number }>
  /** Fails with NOT_FOUND. `range` is in bytes, end exclusive. */
  get(digest: Digest, range?: { start: number; end?: number }): Promise<Readable>
  /** The size in bytes, or undefined when it is not there. */
  has(digest: Digest): Promise<number | undefined>
  /**
   * Takes it out, and says whether it is gone. What was put since `olderThan` stays, and so does what is put in this very moment:
   * who judges by what `list` said of its age does not know of that. Absent: however young it is.
   */
  delete(digest: Digest, olderThan?: number): Promise<boolean>
  /**
   * For whoever read something else than the digest says: takes the content out of the way, so that `has` says no and
   * the next `put` stores it anew. What is whole after all stays, also where somebody has just put it again. Says
   * whether it was damaged.
   */
  setAside(digest: Digest): Promise<boolean>
  /** Whether content of this name was set aside, and is still kept for who wants to look. */
  wasSetAside(digest: Digest): Promise<boolean>
  list(): AsyncIterable<{ digest: Digest; size: number; modifiedAt: number }>
  /** Where the content would be, for a store of files on this machine: to read or clone from, never to write. */
  localPath?(digest: Digest): string
}
