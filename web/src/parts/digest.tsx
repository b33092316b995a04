import { shortDigest } from '../words/digests.ts'

/** A digest or commit, short; whole when asked. */
export function Digest({ of }: { readonly of: string }) {
  return (
    <code title={of} style={{ fontSize: '0.92em' }}>
      {shortDigest(of)}
    </code>
  )
}
