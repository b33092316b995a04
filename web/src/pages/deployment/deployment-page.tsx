import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { Deployment } from '../../../../src/api/deployments.ts'
import { useProjectEvents } from '../../live/use-project-events.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { StagePath } from '../../parts/stage-path.tsx'
import { usePageTitle } from '../../parts/use-page-title.ts'
import { deployment, run } from '../../queries/queries.ts'
import { AcceptancePanel } from '../acceptance/acceptance-panel.tsx'
import { Gates } from '../run/gates.tsx'
import { Approvals } from './approvals.tsx'
import { DecidePanel } from './decide-panel.tsx'
import { DeploymentHead } from './deployment-head.tsx'
import { ResumePanel } from './resume-panel.tsx'
import { RolloutPhases } from './rollout-phases.tsx'

export function DeploymentPage() {
  const { project, deployment: id } = useParams({ from: '/signed-in/$project/deployments/$deployment' })
  const query = useQuery(deployment(project, id))
  usePageTitle(query.data === undefined ? `Deployment of ${project}` : nameOf(query.data))
  useProjectEvents(project)
  return <Loaded query={query}>{(found) => <OneDeployment deployment={found} />}</Loaded>
}

function nameOf({ model, version, environment }: Deployment): string {
  return `${model}@${version} to ${environment}`
}

/** One version on its way to one environment: what it is, what waits for whom, and why it may go there. */
function OneDeployment({ deployment: shown }: { readonly deployment: Deployment }) {
  const { data: from } = useQuery(run(shown.project, Number(shown.run.split('#')[1])))
  return (
    <Stack gap="xl">
      <DeploymentHead deployment={shown} />
      {from !== undefined && <StagePath stages={from.stages} />}
      {shown.state === 'awaiting-approval' && <DecidePanel deployment={shown} />}
      {shown.state === 'held' && <ResumePanel deployment={shown} />}
      <RolloutPhases deployment={shown} />
      <Approvals deployment={shown} />
      <AcceptancePanel deployment={shown} />
      {from !== undefined && <Gates run={from} />}
    </Stack>
  )
}
