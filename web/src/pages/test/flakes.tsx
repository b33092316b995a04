import { Table } from '@mantine/core'
import type { TestDetail } from '../../../../src/api/tests.ts'
import { Digest } from '../../parts/digest.tsx'
import { RunLink } from '../../parts/run-link.tsx'
import { TableSection } from '../../parts/table-section.tsx'
import { Ago } from '../../parts/time.tsx'

/** Each time it failed and passed on the same commit: the code did not change, so it was not the code. */
export function Flakes({ flaky }: { readonly flaky: TestDetail['flaky'] }) {
  if (flaky.length === 0) return null
  return (
    <TableSection title="When it was flaky" heads={['Run', 'Step', 'Commit', 'How it was seen', 'When']}>
      {flaky.map(({ run, step, commit, how, at }) => (
        <Table.Tr key={`${run} ${step}`}>
          <Table.Td>
            <RunLink run={run} />
          </Table.Td>
          <Table.Td>{step}</Table.Td>
          <Table.Td>
            <Digest of={commit} />
          </Table.Td>
          <Table.Td miw={260}>{how}</Table.Td>
          <Table.Td c="dimmed">
            <Ago at={at} />
          </Table.Td>
        </Table.Tr>
      ))}
    </TableSection>
  )
}
