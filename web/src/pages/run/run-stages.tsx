import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Deployment } from '../../../../src/api/deployments.ts'
import type { RunDetail, StageStatus } from '../../../../src/api/runs.ts'
import { StagePath } from '../../parts/stage-path.tsx'
import { deployments } from '../../queries/queries.ts'

/** The eight stages of a run; each leads to where it is shown in full. */
export function RunStages({ run }: { readonly run: RunDetail }) {
  const { data } = useQuery(deployments(run.project, 100))
  const own = data?.deployments.filter((one) => one.run === run.id).toReversed() ?? []
  return (
    <StagePath
      stages={run.stages}
      link={(stage, children) => (
        <StageLink run={run} stage={stage} deployments={own}>
          {children}
        </StageLink>
      )}
    />
  )
}

interface StageLinkProps {
  readonly run: RunDetail
  readonly stage: StageStatus
  /** Of this run, oldest first: the order of the environments. */
  readonly deployments: readonly Deployment[]
  readonly children: ReactNode
}

function StageLink({ run: { project, steps }, stage, deployments: own, children }: StageLinkProps) {
  if (stage.state === 'none') return children
  if (stage.name === 'monitoring') {
    return (
      <Link to="/$project/alerts" params={{ project }}>
        {children}
      </Link>
    )
  }
  const deployment = deploymentOf(stage, own)
  if (deployment !== undefined) {
    return (
      <Link to="/$project/deployments/$deployment" params={{ project, deployment: deployment.id }}>
        {children}
      </Link>
    )
  }
  const hasSteps = stage.number >= 2 && stage.number <= 4 && steps.length > 0
  return hasSteps ? <a href={`#${stage.name}`}>{children}</a> : children
}

function deploymentOf(stage: StageStatus, own: readonly Deployment[]): Deployment | undefined {
  if (stage.name === 'production') return own.at(-1)
  return stage.name === 'staging' || stage.name === 'acceptance' ? own[0] : undefined
}
