import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import type { Digest } from '../../src/core/digest.ts'
import type { Store } from '../../src/core/ports/store.ts'

/** What a bad disk does: one bit of the content is another, its size is the same. */
export function flipByte(store: Store, digest: Digest): void {
  if (store.localPath === undefined) throw new Error('its content is not on this machine')
  const path = store.localPath(digest)
  const bytes = readFileSync(path)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  chmodSync(path, 0o600)
  writeFileSync(path, bytes)
}
