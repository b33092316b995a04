import { Group, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ListedTest } from '../../../../src/api/tests.ts'
import { StateBadge } from '../../parts/state-badge.tsx'
import { asCount, asDuration, asPercent } from '../../words/numbers.ts'
import { toneOfTest } from '../../words/test-states.ts'
import { RecentResults } from './recent-results.tsx'
import styles from './test-row.module.css'

export function TestRow({ project, test: shown }: { readonly project: string; readonly test: ListedTest }) {
  const { test, suite, name, state, recent, seconds, runs, failures, flakes, quarantine } = shown
  return (
    <Table.Tr>
      <Table.Td className={styles['what']}>
        <Link className={styles['link']} to="/$project/test" params={{ project }} search={{ test }}>
          {name === '' ? 'without a name' : name}
        </Link>
        <span className={styles['suite']}>{suite}</span>
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          <StateBadge tone={toneOfTest(state)}>{state}</StateBadge>
          {quarantine !== null && (
            <StateBadge tone={quarantine.isOver ? 'quiet' : 'person'}>
              {quarantine.isOver ? 'quarantine over' : 'in quarantine'}
            </StateBadge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <RecentResults recent={recent} />
      </Table.Td>
      <Table.Td className={styles['figure']}>{seconds === 0 ? '' : asDuration(seconds)}</Table.Td>
      <Table.Td className={styles['figure']}>
        {failures === 0 ? <Never /> : `${failures} of ${asCount(runs, 'run')}, ${asPercent(failures / runs)}`}
      </Table.Td>
      <Table.Td className={styles['figure']}>{flakes === 0 ? <Never /> : asCount(flakes, 'time')}</Table.Td>
    </Table.Tr>
  )
}

/** Most tests have nothing to tell here; what others have shall stand out. */
function Never() {
  return (
    <Text span inherit c="dimmed">
      never
    </Text>
  )
}
