import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Section } from '../../parts/section.tsx'
import { alerts } from '../../queries/queries.ts'
import { AlertCard } from '../alerts/alert-card.tsx'

/** What is wrong in production now; a link to the history otherwise. */
export function FiringAlerts({ project }: { readonly project: string }) {
  const { data } = useQuery(alerts(project))
  const firing = data?.alerts.filter(({ state }) => state === 'firing') ?? []
  if (firing.length === 0) return null
  return (
    <Section
      title="Alerts"
      aside={
        <Link to="/$project/alerts" params={{ project }}>
          All alerts and windows
        </Link>
      }
    >
      <Stack gap="xs">
        {firing.map((alert) => (
          <AlertCard key={alert.id} alert={alert} />
        ))}
      </Stack>
    </Section>
  )
}
