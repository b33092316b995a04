import { Text } from '@mantine/core'
import { useId, useState } from 'react'
import type { RunDetail, Step } from '../../../../src/api/runs.ts'
import { Icon } from '../../parts/icon.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Took } from '../../parts/time.tsx'
import { STEP_TONES } from '../../words/tones.ts'
import { StepLog } from './step-log.tsx'
import styles from './steps.module.css'

/** One step: what became of it and why; opened, its log. What fails or runs is worth a look, so it says so first. */
export function StepRow({ run, step }: { readonly run: RunDetail; readonly step: Step }) {
  const [isOpen, setOpen] = useState(step.state === 'failed')
  const body = useId()
  return (
    <div className={styles['step']} data-step={step.key} data-state={step.state}>
      <button
        type="button"
        className={styles['head']}
        aria-expanded={isOpen}
        aria-controls={body}
        onClick={() => setOpen(!isOpen)}
      >
        <span className={styles['chevron']}>
          <Icon name="chevron" size={14} />
        </span>
        <span>
          <span className={styles['key']}>{step.key}</span>{' '}
          <span className={styles['why']}>{[step.message, step.why].find((said) => said !== null && said !== '')}</span>
        </span>
        <span>
          {step.cache === 'hit' ? (
            <StateBadge tone="succeeded">from cache</StateBadge>
          ) : (
            <StateBadge tone={STEP_TONES[step.state]}>{step.state}</StateBadge>
          )}
        </span>
        <span className={styles['time']}>
          {step.cache !== 'hit' && <Took from={step.startedAt} to={step.endedAt} />}
        </span>
      </button>
      {isOpen && (
        <div id={body} className={styles['body']}>
          <StepFacts step={step} />
          {hasLog(step) ? <StepLog run={run} step={step} /> : <Text size="sm">{noLog(step)}</Text>}
        </div>
      )}
    </div>
  )
}

function StepFacts({ step: { needs, attempt, reason, message, why } }: { readonly step: Step }) {
  const facts = [
    message !== null && why !== null && why !== message ? why : '',
    reason === null ? '' : `ended by: ${reason}`,
    attempt > 1 ? `attempt ${attempt}` : '',
    needs.length === 0 ? '' : `needs ${needs.join(', ')}`,
  ].filter((fact) => fact !== '')
  if (facts.length === 0) return null
  return (
    <Text size="sm" c="dimmed" mb={8}>
      {facts.join(' · ')}
    </Text>
  )
}

function hasLog({ state, logBytes }: Step): boolean {
  return state === 'running' || logBytes > 0
}

function noLog({ state, cache }: Step): string {
  if (cache === 'hit') return 'It came from the cache, so nothing was run and nothing was printed.'
  return state === 'waiting' ? 'It has not started yet.' : 'It printed nothing.'
}
