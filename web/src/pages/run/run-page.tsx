import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { RunDetail } from '../../../../src/api/runs.ts'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { run } from '../../queries/queries.ts'
import { Artifacts } from './artifacts.tsx'
import { Coverage } from './coverage.tsx'
import { Datasets } from './datasets.tsx'
import { Findings } from './findings.tsx'
import { Gates } from './gates.tsx'
import { Metrics } from './metrics.tsx'
import { RunHead } from './run-head.tsx'
import { RunStages } from './run-stages.tsx'
import { Steps } from './steps.tsx'
import { Tests } from './tests.tsx'

export function RunPage() {
  const { project, number } = useParams({ from: '/signed-in/$project/runs/$number' })
  const query = useQuery(run(project, Number(number)))
  usePageTitle(`${project}#${number}`)
  useProjectEvents(project)
  return <Loaded query={query}>{(detail) => <OneRun run={detail} />}</Loaded>
}

/** One run: its way through the eight stages, then what each of them has to show. */
function OneRun({ run: shown }: { readonly run: RunDetail }) {
  return (
    <Stack gap="xl">
      <RunHead run={shown} />
      <RunStages run={shown} />
      <Findings run={shown} />
      <Tests run={shown} />
      <Coverage coverage={shown.coverage} />
      <Gates run={shown} />
      <Steps run={shown} />
      <Metrics metrics={shown.metrics} />
      <Datasets datasets={shown.datasets} />
      <Artifacts project={shown.project} number={shown.number} />
    </Stack>
  )
}
