import { Stack, Title } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Crumbs } from '../../parts/page-frame.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { TestedRuns } from './tested-runs.tsx'
import { TestsList } from './tests-list.tsx'

/** Every test that runs of a project have reported: which fail, flake, take long, or are overlooked. */
export function TestsPage() {
  const { project } = useParams({ from: '/signed-in/$project/tests' })
  usePageTitle(`Tests · ${project}`)
  useProjectEvents(project)
  return (
    <Stack gap="xl">
      <div>
        <Crumbs project={project}>Tests</Crumbs>
        <Title order={1} size="h2" mt={4}>
          Tests of {project}
        </Title>
      </div>
      <TestedRuns project={project} />
      <TestsList project={project} />
    </Stack>
  )
}
