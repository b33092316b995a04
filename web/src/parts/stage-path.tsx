import type { ReactNode } from 'react'
import type { StageStatus } from '../../../src/api/runs.ts'
import { asDuration } from '../words/numbers.ts'
import { STAGE_STATES } from '../words/stage-states.ts'
import { Icon } from './icon.tsx'
import styles from './stage-path.module.css'

interface StagePathProps {
  readonly stages: readonly StageStatus[]
  /** What a stage leads to: a place on this page, or another page. */
  readonly link?: (stage: StageStatus, children: ReactNode) => ReactNode
}

/** The eight stages, large: where a change stands on its way, with state, time and one sentence each. */
export function StagePath({ stages, link = (_, children) => children }: StagePathProps) {
  return (
    <ol className={styles['path']} aria-label="The eight stages">
      {stages.map((stage) => (
        <li
          key={stage.name}
          className={styles['stage']}
          data-tone={STAGE_STATES[stage.state].tone}
          data-stage={stage.name}
          data-state={stage.state}
        >
          <span className={styles['mark']}>
            <Icon name={STAGE_STATES[stage.state].icon} size={18} />
          </span>
          <span className={styles['title']}>
            {link(
              stage,
              <>
                <span className={styles['number']}>{stage.number}</span> {stage.title}
              </>,
            )}
          </span>
          <span className={styles['state']}>
            {STAGE_STATES[stage.state].word}
            {stage.seconds === null ? '' : ` · ${asDuration(stage.seconds)}`}
          </span>
          <span className={styles['summary']} title={stage.summary}>
            {stage.summary}
          </span>
        </li>
      ))}
    </ol>
  )
}
