import { Code, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Loaded } from '../../parts/loaded.tsx'
import { Nothing } from '../../parts/section.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { projects } from '../../queries/queries.ts'
import { ProjectCard } from './project-card.tsx'

export function ProjectsPage() {
  usePageTitle('Projects')
  const query = useQuery(projects)
  return (
    <Stack gap="lg">
      <div>
        <Title order={1} size="h2">
          Projects
        </Title>
        <Text c="dimmed" size="sm">
          Each is a git repository that Tidegate delivers a model from.
        </Text>
      </div>
      <Loaded query={query}>
        {({ projects: known }) =>
          known.length === 0 ? (
            <Nothing>
              There is none you may see yet. <Code>tidegate project add my-model</Code> makes one, and says where to
              push.
            </Nothing>
          ) : (
            <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
              {known.map((project) => (
                <ProjectCard key={project.name} project={project} />
              ))}
            </SimpleGrid>
          )
        }
      </Loaded>
    </Stack>
  )
}
