import { Group, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Deployment } from '../../../../src/api/deployments.ts'
import { Digest } from '../../parts/digest.tsx'
import { Crumbs } from '../../parts/page-frame.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { DEPLOYMENT_TONES } from '../../words/tones.ts'
import { RollBackButton } from './roll-back-button.tsx'

const SERVING = new Set<Deployment['state']>(['live', 'starting', 'rolling-out', 'held', 'awaiting-acceptance'])

/** Which version goes where, and how it stands. */
export function DeploymentHead({ deployment }: { readonly deployment: Deployment }) {
  const { project, environment, model, version, state, reason, champion, bundle, run, requestedBy, createdAt } =
    deployment
  return (
    <div>
      <Crumbs project={project}>{`${model}@${version} to ${environment}`}</Crumbs>
      <Group justify="space-between" align="flex-start" mt={4}>
        <div>
          <Title order={1} size="h2">
            {model}@{version}{' '}
            <Text span inherit c="dimmed" fw={500}>
              to {environment}
            </Text>
          </Title>
          <Group gap={8} mt={6}>
            <StateBadge tone={DEPLOYMENT_TONES[state]}>{state}</StateBadge>
            <Text size="sm" c="dimmed">
              bundle <Digest of={bundle} /> ·{' '}
              {champion === null ? 'nothing served here before' : `version ${champion} served here before`} · from{' '}
              <Link to="/$project/runs/$number" params={{ project, number: run.split('#')[1] ?? '' }}>
                {run}
              </Link>{' '}
              · asked for by {requestedBy} · <Ago at={createdAt} />
            </Text>
          </Group>
        </div>
        {SERVING.has(state) && <RollBackButton project={project} environment={environment} />}
      </Group>
      {reason !== null && (
        <Text mt="sm" size="sm">
          {reason}
        </Text>
      )}
    </div>
  )
}
