import { useQuery } from '@tanstack/react-query'
import type { TestedRun } from '../../../../src/api/tests.ts'
import { DurationBars, type DurationBar } from '../../parts/duration-bars.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { testedRuns } from '../../queries/queries.ts'
import { asDuration } from '../../words/numbers.ts'
import { tellTrend } from '../../words/trend.ts'

const LEGEND = [
  ['succeeded', 'all passed'],
  ['person', 'failed in quarantine only'],
  ['failed', 'tests failed'],
] as const

/** All tests of the last runs together: is the suite getting slower, and how often is it red? */
export function TestedRuns({ project }: { readonly project: string }) {
  const query = useQuery(testedRuns(project))
  return <Loaded query={query}>{({ runs }) => (runs.length === 0 ? null : <RunsChart runs={runs} />)}</Loaded>
}

function RunsChart({ runs }: { readonly runs: readonly TestedRun[] }) {
  const bars = runs.toReversed().map(asBar)
  return (
    <Section title="All tests, run by run">
      <Sheet>
        <DurationBars
          label="How long all tests of each run took"
          bars={bars}
          legend={LEGEND.filter(([tone]) => bars.some((bar) => bar.tone === tone))}
          note={tellTrend(runs.map(({ seconds }) => seconds))}
        />
      </Sheet>
    </Section>
  )
}

function asBar({ run, branch, passed, failed, skipped, quarantined, seconds }: TestedRun): DurationBar {
  const parts = [
    `${passed} passed`,
    failed === 0 ? '' : `${failed} failed`,
    quarantined === 0 ? '' : `${quarantined} failed in quarantine`,
    skipped === 0 ? '' : `${skipped} skipped`,
  ].filter((part) => part !== '')
  return {
    key: run,
    run,
    seconds,
    tone: failed > 0 ? 'failed' : quarantined > 0 ? 'person' : 'succeeded',
    told: `${run} on ${branch}: ${parts.join(', ')}, took ${asDuration(seconds)}`,
  }
}
