import { Button, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { ListedTest } from '../../../../src/api/tests.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Nothing, Section, Sheet } from '../../parts/section.tsx'
import { tests } from '../../queries/queries.ts'
import { asCount } from '../../words/numbers.ts'
import { TestFilter } from './test-filter.tsx'
import { TestRow } from './test-row.tsx'
import type { TestsSearch } from './tests-search.ts'

const PAGE = 50
const MOST = 200

export function TestsList({ project }: { readonly project: string }) {
  const chosen = useSearch({ from: '/signed-in/$project/tests' })
  const [limit, setLimit] = useState(PAGE)
  const { only = 'all', search = '' } = chosen
  const query = useQuery({ ...tests(project, { only, search, limit }), placeholderData: (before) => before })
  return (
    <Section title="Single tests">
      <TestFilter project={project} chosen={chosen} counts={query.data?.counts ?? {}} />
      <Loaded query={query}>
        {({ tests: known }) =>
          known.length === 0 ? (
            <Nothing>{whyNothing(chosen)}</Nothing>
          ) : (
            <div aria-busy={query.isPlaceholderData}>
              <TestTable project={project} tests={known} />
              {known.length === limit && limit < MOST && (
                <Button variant="subtle" mt="xs" onClick={() => setLimit(Math.min(limit * 2, MOST))}>
                  More tests
                </Button>
              )}
              {known.length === MOST && (
                <Text size="sm" c="dimmed" mt="xs">
                  {asCount(MOST, 'test')} are shown. Search for the others by a part of their name.
                </Text>
              )}
            </div>
          )
        }
      </Loaded>
    </Section>
  )
}

function TestTable({ project, tests: shown }: { readonly project: string; readonly tests: readonly ListedTest[] }) {
  return (
    <Sheet pad={false}>
      <Table verticalSpacing={7} horizontalSpacing="md">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Test</Table.Th>
            <Table.Th>Last run</Table.Th>
            <Table.Th>Last results</Table.Th>
            <Table.Th ta="right">Takes</Table.Th>
            <Table.Th ta="right">Failed ever</Table.Th>
            <Table.Th ta="right">Flaky ever</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((test) => (
            <TestRow key={test.test} project={project} test={test} />
          ))}
        </Table.Tbody>
      </Table>
    </Sheet>
  )
}

function whyNothing({ only, search }: TestsSearch): string {
  if (search !== undefined) return `No test here has “${search}” in its name.`
  if (only === 'failing') return 'No test failed the last time it ran.'
  if (only === 'failing-most') return 'No test has ever failed.'
  if (only === 'flaky') return 'No test has failed and passed on the same commit.'
  if (only === 'quarantined') return 'No test is in quarantine: every failing test fails its step.'
  return 'No run has reported a test. Steps of tidegate.yaml with `reports: { junit: … }` bring them in.'
}
