import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import { Section, Sheet } from './section.tsx'

interface TableSectionProps {
  readonly title: string
  readonly heads: readonly string[]
  /** Beside the title. */
  readonly aside?: ReactNode
  /** `Table.Tr`, one for each row. */
  readonly children: ReactNode
}

/** A part of a page that is one table. */
export function TableSection({ title, heads, aside, children }: TableSectionProps) {
  return (
    <Section title={title} aside={aside}>
      <Sheet pad={false}>
        <Table verticalSpacing={6} horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              {heads.map((head) => (
                <Table.Th key={head}>{head}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>{children}</Table.Tbody>
        </Table>
      </Sheet>
    </Section>
  )
}
