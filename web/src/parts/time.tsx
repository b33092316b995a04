import { useNow } from '../live/use-now.ts'
import { asAgo, asExactTime } from '../words/times.ts'
import { asDuration } from '../words/numbers.ts'

/** `3 minutes ago`; the exact time when asked. */
export function Ago({ at }: { readonly at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={asExactTime(at)}>
      {asAgo(at, Date.now())}
    </time>
  )
}

/** How long something took, or has taken so far. Nothing where it has not begun. */
export function Took({ from, to }: { readonly from: number | null; readonly to: number | null }) {
  const now = useNow(from !== null && to === null)
  if (from === null) return null
  return <span>{asDuration(Math.max(0, (to ?? now) - from) / 1_000)}</span>
}
