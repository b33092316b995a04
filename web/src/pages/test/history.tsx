import { Button, Table } from '@mantine/core'
import { useState } from 'react'
import type { TestDetail } from '../../../../src/api/tests.ts'
import { Digest } from '../../parts/digest.tsx'
import { RunLink } from '../../parts/run-link.tsx'
import { Nothing, Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { asDuration } from '../../words/numbers.ts'
import { toneOfTest } from '../../words/test-states.ts'

type Result = TestDetail['history'][number]

const FIRST = 20

/** What its last runs said, newest first. */
export function History({ history }: { readonly history: readonly Result[] }) {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? history : history.slice(0, FIRST)
  return (
    <Section title="Runs">
      {history.length === 0 ? (
        <Nothing>What its runs said is past its time. The next run that reports it brings it back.</Nothing>
      ) : (
        <Sheet pad={false}>
          <Table verticalSpacing={6} horizontalSpacing="md">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Run</Table.Th>
                <Table.Th>Branch</Table.Th>
                <Table.Th>Commit</Table.Th>
                <Table.Th>Step</Table.Th>
                <Table.Th>Result</Table.Th>
                <Table.Th ta="right">Took</Table.Th>
                <Table.Th>What it said</Table.Th>
                <Table.Th>When</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((result) => (
                <ResultRow key={`${result.run} ${result.step} ${result.attempt}`} result={result} />
              ))}
            </Table.Tbody>
          </Table>
        </Sheet>
      )}
      {shown.length < history.length && (
        <Button variant="subtle" mt="xs" onClick={() => setWhole(true)}>
          All {history.length} runs
        </Button>
      )}
    </Section>
  )
}

function ResultRow({ result }: { readonly result: Result }) {
  const { run, step, attempt, commit, branch, at, state, seconds, retries, quarantined, message } = result
  return (
    <Table.Tr>
      <Table.Td>
        <RunLink run={run} />
      </Table.Td>
      <Table.Td>{branch}</Table.Td>
      <Table.Td>
        <Digest of={commit} />
      </Table.Td>
      <Table.Td>
        {step}
        {attempt > 1 ? `, attempt ${attempt}` : ''}
      </Table.Td>
      <Table.Td>
        <StateBadge tone={toneOfTest(state, quarantined)}>{quarantined ? `${state}, overlooked` : state}</StateBadge>
      </Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
        {asDuration(seconds)}
      </Table.Td>
      <Table.Td miw={220} maw={340} style={{ overflowWrap: 'anywhere' }}>
        {retries === 0 ? firstLine(message) : `after ${retries} failed: ${firstLine(message)}`}
      </Table.Td>
      <Table.Td c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        <Ago at={at} />
      </Table.Td>
    </Table.Tr>
  )
}

/** The whole of it stands above, once for all runs that said it. */
function firstLine(message: string): string {
  const [first = ''] = message.split('\n')
  return first.length > 160 ? `${first.slice(0, 160)}…` : first
}
