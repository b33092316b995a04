import type { LatencyWindow } from './monitor-latency.ts'
import { queryRows, type Analytics } from '../lib/open-analytics.ts'
import { openWindow, type WindowQuestion } from './open-window.ts'

const NO_REQUESTS: LatencyWindow = { requests: 0, slower: 0, valueMs: null }

/** Latencies of a window's requests; one with many rows counts once. A window of rows may cut its oldest request. */
export async function measureLatency(
  analytics: Analytics,
  question: WindowQuestion,
  { percentile, maxMs }: { percentile: number; maxMs: number },
): Promise<LatencyWindow> {
  return analytics.use(async (connection) => {
    if ((await openWindow(connection, question)) === undefined) return NO_REQUESTS
    const [row] = await queryRows(
      connection,
      `select count(*)::double as requests,
         (count(*) filter (where latency > ${maxMs}))::double as slower,
         quantile_cont(latency, ${percentile / 100}) as value
       from (
         select max(_latency_ms) as latency
         from recent
         where isfinite(_latency_ms)
         group by _id
       )`,
    )
    return {
      requests: Number(row!['requests']),
      slower: Number(row!['slower']),
      valueMs: row!['value'] as number | null,
    }
  })
}
