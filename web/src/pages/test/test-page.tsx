import { Anchor, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import type { TestDetail } from '../../../../src/api/tests.ts'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Crumbs } from '../../parts/page-frame.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { test as testDetail } from '../../queries/queries.ts'
import { Flakes } from './flakes.tsx'
import { History } from './history.tsx'
import { Quarantine } from './quarantine.tsx'
import { TestDurations } from './test-durations.tsx'
import { TestHead } from './test-head.tsx'
import { WhatItSaid } from './what-it-said.tsx'

export function TestPage() {
  const { project } = useParams({ from: '/signed-in/$project/test' })
  const { test } = useSearch({ from: '/signed-in/$project/test' })
  const query = useQuery(testDetail(project, test))
  usePageTitle(`${query.data?.name ?? test} · ${project}`)
  useProjectEvents(project)
  return (
    <Stack gap={6}>
      <Crumbs project={project} under={<ToTests project={project} />}>
        {query.data?.name ?? test}
      </Crumbs>
      <Loaded query={query}>{(detail) => <OneTest project={project} test={detail} />}</Loaded>
    </Stack>
  )
}

function ToTests({ project }: { readonly project: string }) {
  return (
    <Anchor renderRoot={(props) => <Link to="/$project/tests" params={{ project }} {...props} />} fz="sm">
      Tests
    </Anchor>
  )
}

/** One test over its runs: what it said, how long it took, whether it can be trusted, and what to do about it. */
function OneTest({ project, test }: { readonly project: string; readonly test: TestDetail }) {
  return (
    <Stack gap="xl">
      <TestHead test={test} />
      <TestDurations test={test} />
      <Quarantine project={project} test={test} />
      <WhatItSaid test={test} />
      <Flakes flaky={test.flaky} />
      <History history={test.history} />
    </Stack>
  )
}
