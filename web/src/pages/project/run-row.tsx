import { Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Run } from '../../../../src/api/runs.ts'
import { placeOfRun } from '../../../../src/core/run-place.ts'
import { Digest } from '../../parts/digest.tsx'
import { StageStrip } from '../../parts/stage-strip.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago, Took } from '../../parts/time.tsx'
import { originOf } from '../../words/origin.ts'
import { RUN_TONES } from '../../words/tones.ts'
import styles from './run-row.module.css'

/** A run in a list: what changed, by whom, and how far it has come. */
export function RunRow({ run }: { readonly run: Run }) {
  return (
    <article className={styles['row']} aria-label={`Run ${run.number}`}>
      <div className={styles['what']}>
        <Link
          className={styles['title']}
          to="/$project/runs/$number"
          params={{ project: run.project, number: String(run.number) }}
        >
          <span className={styles['number']}>#{run.number}</span> {run.title}
        </Link>
        <Text size="sm" c="dimmed" truncate>
          {placeOfRun(run)} · <Digest of={run.commit} /> · {originOf(run)} · <Ago at={run.createdAt} />
          {run.startedAt !== null && (
            <>
              {' · '}
              <Took from={run.startedAt} to={run.endedAt} />
            </>
          )}
        </Text>
      </div>
      <div className={styles['badges']}>
        {run.version !== null && <StateBadge tone="quiet">version {run.version}</StateBadge>}
        <StateBadge tone={RUN_TONES[run.state]}>{run.state}</StateBadge>
      </div>
      <StageStrip stages={run.stages} />
    </article>
  )
}
