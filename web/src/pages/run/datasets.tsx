import { Table } from '@mantine/core'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { Digest } from '../../parts/digest.tsx'
import { Section, Sheet } from '../../parts/section.tsx'

/** Data from outside git, each frozen to a digest. */
export function Datasets({ datasets }: { readonly datasets: RunDetail['datasets'] }) {
  if (datasets.length === 0) return null
  return (
    <Section title="Datasets">
      <Sheet pad={false}>
        <Table verticalSpacing={6} horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Path</Table.Th>
              <Table.Th>Rows</Table.Th>
              <Table.Th>Digest</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {datasets.map(({ path, digest, rows }) => (
              <Table.Tr key={path}>
                <Table.Td>{path}</Table.Td>
                <Table.Td>{rows === null ? 'not counted' : rows.toLocaleString('en')}</Table.Td>
                <Table.Td>
                  <Digest of={digest} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Sheet>
    </Section>
  )
}
