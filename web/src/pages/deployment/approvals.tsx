import { Text } from '@mantine/core'
import type { Deployment } from '../../../../src/api/deployments.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { Ago } from '../../parts/time.tsx'

/** Who has said what about this deployment. */
export function Approvals({ deployment: { approvals } }: { readonly deployment: Deployment }) {
  if (approvals.length === 0) return null
  return (
    <Section title="Approvals">
      <Sheet>
        {approvals.map(({ person, decision, comment, at }) => (
          <Text key={`${person} ${at}`} size="sm" py={2}>
            <b>{person}</b> {decision === 'approve' ? 'approved' : 'rejected'} it <Ago at={at} />
            {comment === '' ? '' : `: ${comment}`}
          </Text>
        ))}
      </Sheet>
    </Section>
  )
}
