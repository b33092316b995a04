import { Table } from '@mantine/core'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { asPercent } from '../../words/numbers.ts'

type StepCoverage = RunDetail['coverage'][number]

/** How much of the code the tests ran, beside the run of the default branch that the commit stands on. */
export function Coverage({ coverage }: { readonly coverage: RunDetail['coverage'] }) {
  if (coverage.length === 0) return null
  return (
    <Section title="Coverage">
      <Sheet pad={false}>
        <Table verticalSpacing={6} horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Step</Table.Th>
              <Table.Th>Lines that ran</Table.Th>
              <Table.Th>Before</Table.Th>
              <Table.Th>Of the changed lines</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {coverage.map((one) => (
              <Table.Tr key={one.step}>
                <Table.Td>{named(one)}</Table.Td>
                <Table.Td>
                  {one.lines === 0 ? 'no code' : asPercent(one.covered / one.lines)} ({one.covered} of {one.lines})
                </Table.Td>
                <Table.Td>{before(one)}</Table.Td>
                <Table.Td>{ofChanged(one)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Sheet>
    </Section>
  )
}

/** Of a split suite whose members have not all said what they covered, how many have. */
function named({ step, members, membersOf }: StepCoverage): string {
  return members === membersOf ? step : `${step} (${members ?? 0} of ${membersOf ?? 0} members)`
}

function before({ baseShare, baseRun }: StepCoverage): string {
  return baseShare === null ? 'nothing to compare with' : `${asPercent(baseShare)} in ${baseRun ?? ''}`
}

function ofChanged({ changedLines, changedCovered }: StepCoverage): string {
  if (changedLines === null) return ''
  return changedLines === 0 ? 'none holds code' : `${changedCovered ?? 0} of ${changedLines}`
}
