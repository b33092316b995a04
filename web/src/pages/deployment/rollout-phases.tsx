import type { Deployment } from '../../../../src/api/deployments.ts'
import { Section } from '../../parts/section.tsx'
import { asDuration, asPercent } from '../../words/numbers.ts'
import styles from './rollout-phases.module.css'

const UNDER_WAY = new Set<Deployment['state']>(['rolling-out', 'held'])

/** The phases by which traffic moves, and where it stands. Nothing where it moves all at once. */
export function RolloutPhases({ deployment }: { readonly deployment: Deployment }) {
  const { phases, phase, state, weight } = deployment
  if (phases.length < 2) return null
  const reached = state === 'live' || state === 'replaced' ? phases.length : UNDER_WAY.has(state) ? phase : -1
  return (
    <Section title="Rollout">
      <ol className={styles['phases']}>
        {phases.map(({ weight: share, forMs }, index) => (
          <li
            key={share}
            className={styles['phase']}
            data-is={index < reached ? 'done' : index === reached ? 'current' : 'ahead'}
            aria-current={index === reached ? 'step' : undefined}
          >
            <b>{asPercent(share)}</b>
            <span>
              {index === reached
                ? `now, at ${asPercent(weight)}`
                : forMs > 0
                  ? `for ${asDuration(forMs / 1_000)}`
                  : 'then stays'}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  )
}
