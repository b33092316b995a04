import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { MonitorWindow } from '../../../../src/api/monitoring.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Nothing, Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { monitorWindows } from '../../queries/queries.ts'
import type { Tone } from '../../words/tones.ts'

const STATES = {
  ok: { tone: 'succeeded', word: 'ok' },
  trouble: { tone: 'failed', word: 'trouble' },
  'too-few-rows': { tone: 'quiet', word: 'too few rows' },
} as const satisfies Record<MonitorWindow['state'], { tone: Tone; word: string }>

/** What each monitor saw, window by window; most of it is that all is well. */
export function MonitorWindows({ project }: { readonly project: string }) {
  const query = useQuery(monitorWindows(project))
  return (
    <Section title="What monitors saw">
      <Loaded query={query}>
        {({ windows }) =>
          windows.length === 0 ? (
            <Nothing>No window has been looked at yet. The first is, once enough predictions were made.</Nothing>
          ) : (
            <Sheet pad={false}>
              <Table verticalSpacing="xs" horizontalSpacing="md">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Monitor</Table.Th>
                    <Table.Th>State</Table.Th>
                    <Table.Th>Rows</Table.Th>
                    <Table.Th>What it saw</Table.Th>
                    <Table.Th>When</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {windows.map((window) => (
                    <WindowRow
                      key={`${window.environment} ${window.monitor} ${window.version} ${window.to}`}
                      window={window}
                    />
                  ))}
                </Table.Tbody>
              </Table>
            </Sheet>
          )
        }
      </Loaded>
    </Section>
  )
}

function WindowRow({
  window: { environment, monitor, version, rows, state, summary, at },
}: {
  readonly window: MonitorWindow
}) {
  return (
    <Table.Tr>
      <Table.Td>
        {monitor} in {environment}, version {version}
      </Table.Td>
      <Table.Td>
        <StateBadge tone={STATES[state].tone}>{STATES[state].word}</StateBadge>
      </Table.Td>
      <Table.Td>{rows.toLocaleString('en')}</Table.Td>
      <Table.Td>{summary}</Table.Td>
      <Table.Td c="dimmed">
        <Ago at={at} />
      </Table.Td>
    </Table.Tr>
  )
}
