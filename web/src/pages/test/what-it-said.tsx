import { Text } from '@mantine/core'
import type { TestDetail } from '../../../../src/api/tests.ts'
import { Lines } from '../../parts/lines.tsx'
import { RunLink } from '../../parts/run-link.tsx'
import { Section, Sheet } from '../../parts/section.tsx'
import { Ago } from '../../parts/time.tsx'
import { asCount } from '../../words/numbers.ts'
import styles from './what-it-said.module.css'

type Failed = TestDetail['failed']

/** The failures it has had, each once: how often lately, and the lines of its last time. */
export function WhatItSaid({ test: { failed } }: { readonly test: TestDetail }) {
  if (failed.length === 0) return null
  return (
    <Section title="What it said when it failed">
      <Sheet pad={false}>
        {[...Map.groupBy(failed, ({ message }) => message)].map(([message, group]) => (
          <Said key={message} message={message} group={group} />
        ))}
      </Sheet>
    </Section>
  )
}

function Said({ message, group }: { readonly message: string; readonly group: Failed }) {
  const [last] = group
  if (last === undefined) return null
  return (
    <article className={styles['said']} aria-label={message === '' ? 'A failure without a message' : message}>
      <Text size="sm" className={styles['message']}>
        {message === '' ? 'It said nothing.' : message}
      </Text>
      <Text size="sm" c="dimmed">
        {group.length === 1 ? 'once' : asCount(group.length, 'time')} lately, last in <RunLink run={last.run} />,{' '}
        {last.step}, <Ago at={last.at} />
      </Text>
      <Lines of={last.detail} />
    </article>
  )
}
