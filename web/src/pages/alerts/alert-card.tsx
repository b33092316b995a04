import { Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Alert } from '../../../../src/api/monitoring.ts'
import { Sheet } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { Evidence } from '../../parts/evidence.tsx'

/** What a monitor saw, and what was done about it. */
export function AlertCard({ alert }: { readonly alert: Alert }) {
  return (
    <Sheet>
      <Stack gap={8} component="article" aria-label={`${alert.monitor} in ${alert.environment}`}>
        <Group gap={8}>
          <StateBadge tone={alert.state === 'firing' ? 'failed' : 'succeeded'}>{alert.state}</StateBadge>
          <Text fw={600}>
            {alert.monitor} in {alert.environment}
          </Text>
          <Text size="sm" c="dimmed">
            version {alert.version} · <Ago at={alert.firedAt} />
            {alert.resolvedAt !== null && (
              <>
                , resolved <Ago at={alert.resolvedAt} />
              </>
            )}
          </Text>
        </Group>
        <Text size="sm">{alert.summary}</Text>
        {alert.actions.map((action) => (
          <Action key={`${action.kind} ${action.at}`} project={alert.project} action={action} />
        ))}
        <Evidence of={alert.evidence} />
      </Stack>
    </Sheet>
  )
}

function Action({ project, action }: { readonly project: string; readonly action: Alert['actions'][number] }) {
  return (
    <Text size="sm" c="dimmed">
      <b>{action.kind}</b>: {action.outcome}
      {action.detail !== '' && `, ${action.detail}`}
      {action.run !== null && (
        <>
          {' · '}
          <Link to="/$project/runs/$number" params={{ project, number: action.run.split('#')[1] ?? '' }}>
            {action.run}
          </Link>
        </>
      )}
    </Text>
  )
}
