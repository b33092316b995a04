import { createHash } from 'node:crypto'

/** `sha256:<hex>` of text or bytes. */
export function sha256(content: string | Uint8Array): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
