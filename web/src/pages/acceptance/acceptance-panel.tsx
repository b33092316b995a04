import { SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Deployment } from '../../../../src/api/deployments.ts'
import { isAppError } from '../../../../src/core/errors.ts'
import { Failure } from '../../parts/failure.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { acceptance } from '../../queries/queries.ts'
import type { Tone } from '../../words/tones.ts'
import type { AcceptanceSession } from '../../../../src/api/acceptance.ts'
import { CaseCard } from './case-card.tsx'
import { SignPanel } from './sign-panel.tsx'

const TONES = {
  open: 'person',
  accepted: 'succeeded',
  rejected: 'failed',
  void: 'quiet',
} as const satisfies Record<AcceptanceSession['state'], Tone>

/** User acceptance testing of a deployment; nothing where testers were not asked. */
export function AcceptancePanel({ deployment }: { readonly deployment: Deployment }) {
  const { data, error } = useQuery(acceptance(deployment.project, deployment.id))
  if (data !== undefined) return <Session project={deployment.project} session={data} />
  if (error !== null && !isAppError(error, 'NOT_READY')) return <Failure error={error} />
  if (error === null || deployment.state !== 'awaiting-acceptance') return null
  return (
    <Section title="User acceptance testing">
      <Nothing>The model is answering the cases. Testers are asked in a moment.</Nothing>
    </Section>
  )
}

function Session({ project, session }: { readonly project: string; readonly session: AcceptanceSession }) {
  const judged = session.cases.filter(({ verdict }) => verdict !== null).length
  return (
    <Section
      title="User acceptance testing"
      anchor="acceptance"
      aside={<StateBadge tone={TONES[session.state]}>{session.state}</StateBadge>}
    >
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {session.agreement} {session.required} of {session.testers.join(', ')} must sign. {about(session)} You have
          judged {judged} of {session.cases.length}.
        </Text>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
          {session.cases.map((one) => (
            <CaseCard key={one.id} project={project} session={session} shown={one} />
          ))}
        </SimpleGrid>
        <SignPanel project={project} session={session} />
      </Stack>
    </Section>
  )
}

function about({ champion, blind, version }: AcceptanceSession): string {
  if (champion === null) return `No other version serves here, so version ${version} is judged by itself.`
  if (blind)
    return `Versions ${version} and ${champion} stand side by side; which is which is hidden and differs from case to case.`
  return `A is version ${version}, B is version ${champion}.`
}
