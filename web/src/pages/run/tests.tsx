import { Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { z } from 'zod'
import type { RunDetail, TestResult } from '../../../../src/api/runs.ts'
import { Lines } from '../../parts/lines.tsx'
import { Nothing, Section, Sheet } from '../../parts/section.tsx'
import { asDuration } from '../../words/numbers.ts'
import styles from './tests.module.css'

type Failed = z.infer<typeof TestResult>

/** Each failing test with what it said and the lines that matter. Where all pass, the stage has said so. */
export function Tests({ run: { project, tests } }: { readonly run: RunDetail }) {
  const { passed, failed, skipped, quarantined, failures } = tests
  if (failed + quarantined === 0) return null
  return (
    <Section
      title="Failing tests"
      aside={
        <Text size="sm" c="dimmed">
          {passed} passed, {failed} failed{skipped === 0 ? '' : `, ${skipped} skipped`}
          {quarantined === 0 ? '' : `, ${quarantined} failed in quarantine`} ·{' '}
          <Link to="/$project/tests" params={{ project }}>
            All tests
          </Link>
        </Text>
      }
    >
      {failures.length === 0 ? (
        <Nothing>What single tests said in this run is past its time.</Nothing>
      ) : (
        <Sheet pad={false}>
          {failures.map((test) => (
            <FailedTest key={`${test.step} ${test.suite} ${test.name}`} project={project} test={test} />
          ))}
        </Sheet>
      )}
      {failures.length > 0 && failures.length < failed + quarantined && (
        <Text size="sm" c="dimmed" mt="xs">
          The first {failures.length} are shown.
        </Text>
      )}
    </Section>
  )
}

function FailedTest({ project, test }: { readonly project: string; readonly test: Failed }) {
  const { step, suite, name, seconds, message, detail, quarantined } = test
  return (
    <article className={styles['test']} aria-label={`Failed test ${name}`}>
      <Text fw={600} className={styles['name']}>
        {suite === '' ? '' : `${suite} › `}
        <Link to="/$project/test" params={{ project }} search={{ test: `${suite}::${name}` }}>
          {name === '' ? 'without a name' : name}
        </Link>
      </Text>
      <Text size="sm" c="dimmed">
        in {step}, after {asDuration(seconds)}
        {quarantined ? '; in quarantine, so that it fails no step' : ''}
      </Text>
      {message !== '' && <Text size="sm">{message}</Text>}
      <Lines of={detail} />
    </article>
  )
}
