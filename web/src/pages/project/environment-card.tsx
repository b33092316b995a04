import { CopyButton, Group, Stack, Text, Title, UnstyledButton } from '@mantine/core'
import type { EnvironmentStatus } from '../../../../src/api/projects.ts'
import { Icon } from '../../parts/icon.tsx'
import { Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { asCount, asPercent } from '../../words/numbers.ts'
import { HOST_TONES } from '../../words/tones.ts'
import { RollBackButton } from '../deployment/roll-back-button.tsx'
import { TrafficBar } from './traffic-bar.tsx'
import styles from './environment-card.module.css'

interface EnvironmentCardProps {
  readonly project: string
  readonly environment: EnvironmentStatus
}

/** Where a model answers, by which versions, and what the gateway has counted of them. */
export function EnvironmentCard({ project, environment: shown }: EnvironmentCardProps) {
  const { environment, champion, challenger, weight, endpoint, arms } = shown
  return (
    <Sheet>
      <Stack gap={12}>
        <Group justify="space-between">
          <Title order={3} size="h5">
            {environment}
          </Title>
          {(champion !== null || challenger !== null) && <RollBackButton project={project} environment={environment} />}
        </Group>
        {endpoint === null ? <Text size="sm">Nothing serves here yet.</Text> : <Endpoint url={endpoint} />}
        <TrafficBar champion={champion} challenger={challenger} weight={weight} />
        {arms.map((arm) => (
          <Arm key={arm.arm} arm={arm} />
        ))}
      </Stack>
    </Sheet>
  )
}

function Endpoint({ url }: { readonly url: string }) {
  return (
    <CopyButton value={`${url}/infer`}>
      {({ copied, copy }) => (
        <UnstyledButton
          className={styles['endpoint']}
          onClick={copy}
          aria-label={copied ? 'Copied' : `Copy ${url}/infer`}
        >
          <code>{url}/infer</code>
          <Icon name={copied ? 'check' : 'copy'} size={14} />
        </UnstyledButton>
      )}
    </CopyButton>
  )
}

function Arm({ arm }: { readonly arm: EnvironmentStatus['arms'][number] }) {
  const { requests, errors, latencyP50Ms, latencyP99Ms } = arm
  return (
    <Stack gap={2}>
      <Group gap={8} fz="sm">
        <Text size="sm" fw={600}>
          version {arm.version}
        </Text>
        <StateBadge tone={HOST_TONES[arm.host]}>{arm.host}</StateBadge>
        <Text size="sm" c="dimmed">
          {asCount(requests, 'request')}
          {requests > 0 && `, ${asCount(errors, 'error')} (${asPercent(errors / requests)})`}
          {latencyP50Ms !== null && `, half within ${latencyP50Ms} ms`}
          {latencyP99Ms !== null && `, 99 % within ${latencyP99Ms} ms`}
        </Text>
      </Group>
      {arm.reason !== null && (
        <Text size="sm" c="var(--state-failed)">
          {arm.reason}
        </Text>
      )}
    </Stack>
  )
}
