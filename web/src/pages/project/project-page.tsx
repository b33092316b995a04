import { Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Crumbs } from '../../parts/page-frame.tsx'
import { ProjectPlace } from '../../parts/project-place.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { project as projectDetail } from '../../queries/queries.ts'
import { FiringAlerts } from './firing-alerts.tsx'
import { Environments } from './environments.tsx'
import { RunsList } from './runs-list.tsx'
import { Schedules } from './schedules.tsx'
import { VersionsList } from './versions-list.tsx'
import { WaitingForPeople } from './waiting-for-people.tsx'

/** One project: what waits for people first, then what serves, then what happened. */
export function ProjectPage() {
  const { project } = useParams({ from: '/signed-in/$project' })
  usePageTitle(project)
  useProjectEvents(project)
  const { data } = useQuery(projectDetail(project))
  return (
    <Stack gap="xl">
      <div>
        <Crumbs project={project} />
        <Title order={1} size="h2" mt={4}>
          {project}
        </Title>
        {data !== undefined && <ProjectPlace project={data} />}
      </div>
      <WaitingForPeople project={project} />
      <FiringAlerts project={project} />
      <Environments project={project} />
      <Schedules project={project} />
      <RunsList project={project} />
      <VersionsList project={project} />
    </Stack>
  )
}
