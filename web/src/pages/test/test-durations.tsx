import type { TestDetail } from '../../../../src/api/tests.ts'
import { DurationBars, type DurationBar } from '../../parts/duration-bars.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { asDuration } from '../../words/numbers.ts'
import { toneOfTest } from '../../words/test-states.ts'
import { tellTrend } from '../../words/trend.ts'

type Result = TestDetail['history'][number]

const LEGEND = [
  ['succeeded', 'passed'],
  ['failed', 'failed'],
  ['person', 'failed in quarantine'],
  ['quiet', 'skipped'],
] as const

export function TestDurations({ test: { history } }: { readonly test: TestDetail }) {
  if (history.length === 0) return null
  const tones = new Set(history.map(toneOf))
  const ran = history.filter(({ state }) => state !== 'skipped')
  return (
    <Section title="How long it took">
      <Sheet>
        <DurationBars
          label="How long the test took in each run"
          bars={history.toReversed().map(asBar)}
          legend={LEGEND.filter(([tone]) => tones.has(tone))}
          note={tellTrend(ran.map(({ seconds }) => seconds))}
        />
      </Sheet>
    </Section>
  )
}

function toneOf({ state, quarantined }: Result) {
  return toneOfTest(state, quarantined)
}

function asBar(result: Result): DurationBar {
  const { run, step, attempt, commit, branch, state, seconds, quarantined } = result
  const where = `${run}, ${step}${attempt === 1 ? '' : `, attempt ${attempt}`}`
  return {
    key: `${run} ${step} ${attempt}`,
    run,
    seconds,
    tone: toneOf(result),
    told: `${where}: ${state}${quarantined ? ' in quarantine' : ''} in ${asDuration(seconds)}, ${branch} at ${commit.slice(0, 8)}`,
  }
}
