import { Text } from '@mantine/core'
import type { z } from 'zod'
import type { RunDetail, TestResult } from '../../../../src/api/runs.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { asDuration } from '../../words/numbers.ts'
import styles from './tests.module.css'

type Failed = z.infer<typeof TestResult>

/** Each failing test with what it said and the lines that matter. Where all pass, the stage has said so. */
export function Tests({ run: { tests } }: { readonly run: RunDetail }) {
  const { passed, failed, skipped, quarantined, failures } = tests
  if (failures.length === 0) return null
  return (
    <Section
      title="Failing tests"
      aside={
        <Text size="sm" c="dimmed">
          {passed} passed, {failed} failed{skipped === 0 ? '' : `, ${skipped} skipped`}
          {quarantined === 0 ? '' : `, ${quarantined} failed in quarantine`}
        </Text>
      }
    >
      <Sheet pad={false}>
        {failures.map((test) => (
          <FailedTest key={`${test.step} ${test.suite} ${test.name}`} test={test} />
        ))}
      </Sheet>
    </Section>
  )
}

function FailedTest({ test }: { readonly test: Failed }) {
  const { step, suite, name, seconds, message, detail, quarantined } = test
  return (
    <article className={styles['test']} aria-label={`Failed test ${name}`}>
      <Text fw={600} className={styles['name']}>
        {suite === '' ? '' : `${suite} › `}
        {name}
      </Text>
      <Text size="sm" c="dimmed">
        in {step}, after {asDuration(seconds)}
        {quarantined ? '; in quarantine, so that it fails no step' : ''}
      </Text>
      {message !== '' && <Text size="sm">{message}</Text>}
      {detail !== '' && (
        <pre className={styles['lines']} tabIndex={0}>
          {detail}
        </pre>
      )}
    </article>
  )
}
