import { Tooltip } from '@mantine/core'
import type { StageStatus } from '../../../src/api/runs.ts'
import { asDuration } from '../words/numbers.ts'
import { STAGE_STATES } from '../words/stage-states.ts'
import { Icon } from './icon.tsx'
import styles from './stage-strip.module.css'

/** The eight stages in one line, for lists; each says its name, state and sentence when asked. */
export function StageStrip({ stages }: { readonly stages: readonly StageStatus[] }) {
  return (
    <ol className={styles['strip']} aria-label="The eight stages">
      {stages.map((stage) => (
        <Tooltip
          key={stage.name}
          label={tell(stage)}
          multiline
          maw={340}
          withArrow
          events={{ hover: true, focus: true, touch: true }}
        >
          <li
            className={styles['stage']}
            data-tone={STAGE_STATES[stage.state].tone}
            data-state={stage.state}
            aria-label={tell(stage)}
          >
            <Icon name={STAGE_STATES[stage.state].icon} size={14} />
          </li>
        </Tooltip>
      ))}
    </ol>
  )
}

function tell({ number, title, state, seconds, summary }: StageStatus): string {
  const time = seconds === null ? '' : `, ${asDuration(seconds)}`
  return `${number} ${title}: ${STAGE_STATES[state].word}${time}${summary === '' ? '' : `. ${summary}`}`
}
