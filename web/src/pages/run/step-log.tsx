import { Text } from '@mantine/core'
import { Fragment, memo, useLayoutEffect, useRef } from 'react'
import type { RunDetail, Step } from '../../../../src/api/runs.ts'
import { Failure } from '../../parts/failure.tsx'
import { asBytes, asCount } from '../../words/numbers.ts'
import { liveLine, type Span } from './terminal-text.ts'
import { logPath, useStepLog } from './use-step-log.ts'
import styles from './step-log.module.css'

/** The log of a step's last attempt, live while it runs. It stays at the end, unless the reader has scrolled up. */
export function StepLog({ run, step }: { readonly run: RunDetail; readonly step: Step }) {
  const { screen, skippedBytes, isComplete, refusal } = useStepLog(run, step.key, step.attempt)
  const box = useRef<HTMLDivElement>(null)
  const followsEnd = useRef(true)
  useLayoutEffect(() => {
    if (followsEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }, [screen])
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current ?? { scrollTop: 0, scrollHeight: 0, clientHeight: 0 }
    followsEnd.current = scrollHeight - scrollTop - clientHeight < 24
  }
  if (refusal !== undefined) return <Failure error={refusal} />
  const last = liveLine(screen)
  const wholeLog = wholeLogPath(run, step, step.attempt)
  const missing = notShown(skippedBytes, screen.dropped)
  return (
    <div>
      <div
        ref={box}
        onScroll={onScroll}
        className={styles['log']}
        role="log"
        aria-label={`Log of ${step.key}`}
        tabIndex={0}
      >
        {missing !== '' && (
          <div className={styles['note']}>
            {missing} before this are not shown ·{' '}
            <a href={wholeLog} target="_blank" rel="noreferrer">
              from the beginning
            </a>
          </div>
        )}
        {screen.lines.map((line, index) => (
          <Line key={screen.dropped + index} spans={line} />
        ))}
        {last.length > 0 && <Line spans={last} />}
      </div>
      <Text size="xs" c="dimmed" mt={4}>
        {isComplete ? 'complete' : 'live'}
        {step.logBytes > 0 && `, ${asBytes(step.logBytes)}`}
        {logLinks(run, step).map(({ name, href }) => (
          <Fragment key={name}>
            {' · '}
            <a href={href} target="_blank" rel="noreferrer">
              {name}
            </a>
          </Fragment>
        ))}
      </Text>
    </div>
  )
}

/** All of the log, those of earlier attempts, and those of the services beside the last. */
function logLinks(run: RunDetail, step: Step): { name: string; href: string }[] {
  const wholeLog = wholeLogPath(run, step, step.attempt)
  const earlier = Array.from({ length: step.attempt - 1 }, (_, before) => before + 1)
  return [
    { name: 'as plain text', href: wholeLog },
    ...earlier.map((attempt) => ({ name: `attempt ${attempt}`, href: wholeLogPath(run, step, attempt) })),
    ...step.services.map((service) => ({ name: `service ${service}`, href: `${wholeLog}&service=${service}` })),
  ]
}

function wholeLogPath(run: RunDetail, step: Step, attempt: number): string {
  return `${logPath(run, step.key)}?attempt=${attempt}&limit=all`
}

/** Bytes that were never fetched, and lines that were let go since. */
function notShown(skippedBytes: number, droppedLines: number): string {
  const bytes = skippedBytes > 0 ? [asBytes(skippedBytes)] : []
  const lines = droppedLines > 0 ? [asCount(droppedLines, 'line')] : []
  return [...bytes, ...lines].join(' and ')
}

const Line = memo(function Line({ spans }: { readonly spans: readonly Span[] }) {
  return (
    <div className={styles['line']}>
      {spans.map((span, index) => (
        <span key={index} data-color={span.color} data-bold={span.isBold}>
          {span.text}
        </span>
      ))}
    </div>
  )
})
