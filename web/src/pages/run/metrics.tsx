import { Table } from '@mantine/core'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { asMeasure } from '../../words/numbers.ts'

export function Metrics({ metrics }: { readonly metrics: RunDetail['metrics'] }) {
  if (metrics.length === 0) return null
  return (
    <Section title="Metrics">
      <Sheet pad={false}>
        <Table verticalSpacing={6} horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Metric</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th>From step</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {metrics.map(({ step, name, value }) => (
              <Table.Tr key={`${step} ${name}`}>
                <Table.Td>{name}</Table.Td>
                <Table.Td>{asMeasure(value)}</Table.Td>
                <Table.Td c="dimmed">{step}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Sheet>
    </Section>
  )
}
