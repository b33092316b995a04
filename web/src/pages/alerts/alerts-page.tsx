import { Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Crumbs } from '../../parts/page-frame.tsx'
import { Nothing, Section } from '../../parts/section.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { alerts } from '../../queries/queries.ts'
import { AlertCard } from './alert-card.tsx'
import { MonitorWindows } from './monitor-windows.tsx'

export function AlertsPage() {
  const { project } = useParams({ from: '/signed-in/$project/alerts' })
  const query = useQuery(alerts(project))
  usePageTitle(`Monitoring · ${project}`)
  useProjectEvents(project)
  return (
    <Stack gap="xl">
      <div>
        <Crumbs project={project}>Monitoring</Crumbs>
        <Title order={1} size="h2" mt={4}>
          Monitoring of {project}
        </Title>
      </div>
      <Section title="Alerts">
        <Loaded query={query}>
          {({ alerts: known }) =>
            known.length === 0 ? (
              <Nothing>No monitor has seen trouble.</Nothing>
            ) : (
              <Stack gap="xs">
                {known.map((alert) => (
                  <AlertCard key={alert.id} alert={alert} />
                ))}
              </Stack>
            )
          }
        </Loaded>
      </Section>
      <MonitorWindows project={project} />
    </Stack>
  )
}
