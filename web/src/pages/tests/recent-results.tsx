import type { ListedTest } from '../../../../src/api/tests.ts'
import { asCount, asDuration } from '../../words/numbers.ts'
import { toneOfTest } from '../../words/test-states.ts'
import styles from './recent-results.module.css'

/** Clocks of runners are too coarse to tell shorter times apart. */
const FLAT_BELOW_S = 0.02

/** The last results of a test, oldest first: height is time, colour is how it ended. */
export function RecentResults({ recent }: { readonly recent: ListedTest['recent'] }) {
  const longest = Math.max(...recent.map(({ seconds }) => seconds), FLAT_BELOW_S)
  return (
    <div className={styles['strip']} role="img" aria-label={tell(recent)} title={tell(recent)}>
      {recent.toReversed().map(({ run, state, seconds }, i) => (
        <span
          key={`${run} ${i}`}
          data-tone={toneOfTest(state)}
          style={{ height: `${Math.round(25 + (75 * seconds) / longest)}%` }}
        />
      ))}
    </div>
  )
}

function tell(recent: ListedTest['recent']): string {
  const failed = recent.filter(({ state }) => state === 'failed' || state === 'error').length
  const ran = recent.filter(({ state }) => state !== 'skipped')
  const slowest = Math.max(...ran.map(({ seconds }) => seconds), 0)
  return `${failed} of the last ${asCount(recent.length, 'result')} failed; the longest took ${asDuration(slowest)}`
}
