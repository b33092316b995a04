import { Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Project } from '../../../../src/api/projects.ts'
import type { Run } from '../../../../src/api/runs.ts'
import { ProjectPlace } from '../../parts/project-place.tsx'
import { StageStrip } from '../../parts/stage-strip.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Ago } from '../../parts/time.tsx'
import { Sheet } from '../../parts/section.tsx'
import { runs } from '../../queries/queries.ts'
import { RUN_TONES } from '../../words/tones.ts'

/** A project and how far its newest change has come. */
export function ProjectCard({ project }: { readonly project: Project }) {
  const { data } = useQuery(runs(project.name, 1))
  const newest = data?.runs[0]
  return (
    <Sheet>
      <Stack gap={10}>
        <Title order={2} size="h4">
          <Link to="/$project" params={{ project: project.name }}>
            {project.name}
          </Link>
        </Title>
        <ProjectPlace project={project} />
        {newest === undefined ? (
          <Text size="sm" c="dimmed">
            No run yet. Push to <code>{project.gitUrl}</code>
          </Text>
        ) : (
          <NewestRun run={newest} />
        )}
      </Stack>
    </Sheet>
  )
}

function NewestRun({ run }: { readonly run: Run }) {
  return (
    <>
      <StageStrip stages={run.stages} />
      <Group gap={8} fz="sm">
        <Link to="/$project/runs/$number" params={{ project: run.project, number: String(run.number) }}>
          {run.id}
        </Link>
        <StateBadge tone={RUN_TONES[run.state]}>{run.state}</StateBadge>
        <Text size="sm" truncate maw={240}>
          {run.title}
        </Text>
        <Text size="sm" c="dimmed">
          <Ago at={run.createdAt} />
        </Text>
      </Group>
    </>
  )
}
