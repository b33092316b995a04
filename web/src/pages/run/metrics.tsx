import { Table } from '@mantine/core'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { TableSection } from '../../parts/table-section.tsx'
import { asMeasure } from '../../words/numbers.ts'

export function Metrics({ metrics }: { readonly metrics: RunDetail['metrics'] }) {
  if (metrics.length === 0) return null
  return (
    <TableSection title="Metrics" heads={['Metric', 'Value', 'From step']}>
      {metrics.map(({ step, name, value }) => (
        <Table.Tr key={`${step} ${name}`}>
          <Table.Td>{name}</Table.Td>
          <Table.Td>{asMeasure(value)}</Table.Td>
          <Table.Td c="dimmed">{step}</Table.Td>
        </Table.Tr>
      ))}
    </TableSection>
  )
}
