import { Table } from '@mantine/core'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { Digest } from '../../parts/digest.tsx'
import { TableSection } from '../../parts/table-section.tsx'

/** Data from outside git, each frozen to a digest. */
export function Datasets({ datasets }: { readonly datasets: RunDetail['datasets'] }) {
  if (datasets.length === 0) return null
  return (
    <TableSection title="Datasets" heads={['Path', 'Rows', 'Digest']}>
      {datasets.map(({ path, digest, rows }) => (
        <Table.Tr key={path}>
          <Table.Td>{path}</Table.Td>
          <Table.Td>{rows === null ? 'not counted' : rows.toLocaleString('en')}</Table.Td>
          <Table.Td>
            <Digest of={digest} />
          </Table.Td>
        </Table.Tr>
      ))}
    </TableSection>
  )
}
