import { Text } from '@mantine/core'
import type { z } from 'zod'
import type { Answer } from '../../../../src/api/acceptance.ts'
import { asPercent } from '../../words/numbers.ts'
import styles from './side-answer.module.css'

const SCORES_SHOWN = 3

interface SideAnswerProps {
  /** Undefined where there is only one. */
  readonly side: 'A' | 'B' | undefined
  readonly answer: z.infer<typeof Answer>
}

/** What one side answered, and how sure it was. */
export function SideAnswer({ side, answer: { prediction, scores, error } }: SideAnswerProps) {
  const best = Object.entries(scores ?? {})
    .sort(([, a], [, b]) => b - a)
    .slice(0, SCORES_SHOWN)
  return (
    <div className={styles['side']} role="group" aria-label={side === undefined ? 'Answer' : `Answer of side ${side}`}>
      {side !== undefined && (
        <Text size="xs" c="dimmed" fw={600}>
          {side}
        </Text>
      )}
      {error === undefined ? (
        <span className={styles['prediction']}>{prediction}</span>
      ) : (
        <span className={styles['error']}>{error}</span>
      )}
      {best.map(([name, score]) => (
        <span key={name} className={styles['score']}>
          <span>{name}</span>
          <span className={styles['track']}>
            <span className={styles['fill']} style={{ width: `${Math.round(score * 100)}%` }} />
          </span>
          <span>{asPercent(score)}</span>
        </span>
      ))}
    </div>
  )
}
