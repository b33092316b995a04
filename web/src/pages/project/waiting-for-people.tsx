import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Deployment } from '../../../../src/api/deployments.ts'
import { Section, Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { deployments } from '../../queries/queries.ts'

const ASKS: Partial<Record<Deployment['state'], { word: string; button: string }>> = {
  'awaiting-approval': { word: 'needs approval', button: 'Look and decide' },
  'awaiting-acceptance': { word: 'needs testers', button: 'Judge the cases' },
  held: { word: 'is held', button: 'Look and decide' },
}

/** Deployments that go no further without a person. Nothing at all where there is none. */
export function WaitingForPeople({ project }: { readonly project: string }) {
  const { data } = useQuery(deployments(project))
  const waiting = data?.deployments.filter(({ state }) => ASKS[state] !== undefined) ?? []
  if (waiting.length === 0) return null
  return (
    <Section title="Waiting for people">
      <Stack gap="xs">
        {waiting.map((deployment) => (
          <WaitingDeployment key={deployment.id} deployment={deployment} />
        ))}
      </Stack>
    </Section>
  )
}

function WaitingDeployment({ deployment }: { readonly deployment: Deployment }) {
  const { project, id, model, version, environment, state, reason, createdAt } = deployment
  const asks = ASKS[state]
  return (
    <Sheet>
      <Group justify="space-between" gap="md">
        <div>
          <Group gap={8}>
            <Text fw={600}>
              {model}@{version} to {environment}
            </Text>
            <StateBadge tone="person">{asks?.word}</StateBadge>
          </Group>
          <Text size="sm" c="dimmed">
            {reason === null ? '' : `${reason} · `}
            <Ago at={createdAt} />
          </Text>
        </div>
        <Button
          renderRoot={(props) => (
            <Link to="/$project/deployments/$deployment" params={{ project, deployment: id }} {...props} />
          )}
        >
          {asks?.button}
        </Button>
      </Group>
    </Sheet>
  )
}
