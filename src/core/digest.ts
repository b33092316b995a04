/** `sha256:` and 64 hex digits: the name of some content, and the only way to refer to it. */
export type Digest = `sha256:${string}`

const SHAPE = /^sha256:[0-9a-f]{64}$/

export function isDigest(text: string): text is Digest {
  return SHAPE.test(text)
}

/** Enough of a digest for people to tell two apart: its first 12 hex digits. */
export function shortDigest(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12)
}
