import { queryOptions } from '@tanstack/react-query'
import { getAcceptance } from '../../../src/api/acceptance.ts'
import { whoAmI } from '../../../src/api/access.ts'
import { listArtifacts } from '../../../src/api/artifacts.ts'
import { getDeployment, listDeployments } from '../../../src/api/deployments.ts'
import { listAlerts, listMonitorWindows } from '../../../src/api/monitoring.ts'
import { getProject, listEnvironments, listProjects } from '../../../src/api/projects.ts'
import { getRun, listRuns } from '../../../src/api/runs.ts'
import { getTest, listTestedRuns, listTests, type TestChoice } from '../../../src/api/tests.ts'
import { getLineage, listVersions } from '../../../src/api/versions.ts'
import { call } from '../session/server.ts'

/** Counters of the gateway are no events; they are asked for. */
const COUNTERS_MS = 3_000

/** As many as a row of a list has room for. */
const RECENT_RESULTS = 20
const TESTED_RUNS = 60

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => call(whoAmI, {}, signal),
  staleTime: 60_000,
})

export const projects = queryOptions({
  queryKey: ['projects'],
  queryFn: ({ signal }) => call(listProjects, {}, signal),
})

/** Everything of a project stands under one key, so that an event of the project refreshes what is shown of it. */
export function projectKey(project: string): readonly string[] {
  return ['project', project]
}

export const project = (name: string) =>
  queryOptions({
    queryKey: [...projectKey(name), 'detail'],
    queryFn: ({ signal }) => call(getProject, { params: { project: name } }, signal),
  })

export const runs = (project: string, limit = 30) =>
  queryOptions({
    queryKey: [...projectKey(project), 'runs', limit],
    queryFn: ({ signal }) => call(listRuns, { params: { project }, query: { limit } }, signal),
  })

export const run = (project: string, number: number) =>
  queryOptions({
    queryKey: [...projectKey(project), 'run', number],
    queryFn: ({ signal }) => call(getRun, { params: { project, number } }, signal),
  })

export const artifacts = (project: string, number: number) =>
  queryOptions({
    queryKey: [...projectKey(project), 'artifacts', number],
    queryFn: ({ signal }) => call(listArtifacts, { params: { project, number } }, signal),
  })

export interface WantedTests {
  readonly only: TestChoice
  readonly search: string
  readonly limit: number
}

export const tests = (project: string, wanted: WantedTests) =>
  queryOptions({
    queryKey: [...projectKey(project), 'tests', wanted],
    queryFn: ({ signal }) =>
      call(listTests, { params: { project }, query: { ...wanted, recent: RECENT_RESULTS } }, signal),
  })

export const testedRuns = (project: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'tested-runs'],
    queryFn: ({ signal }) => call(listTestedRuns, { params: { project }, query: { limit: TESTED_RUNS } }, signal),
  })

export const test = (project: string, name: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'test', name],
    queryFn: ({ signal }) => call(getTest, { params: { project }, query: { test: name } }, signal),
  })

export const environments = (project: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'environments'],
    queryFn: ({ signal }) => call(listEnvironments, { params: { project } }, signal),
    refetchInterval: COUNTERS_MS,
  })

export const deployments = (project: string, limit = 30) =>
  queryOptions({
    queryKey: [...projectKey(project), 'deployments', limit],
    queryFn: ({ signal }) => call(listDeployments, { params: { project }, query: { limit } }, signal),
  })

export const deployment = (project: string, id: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'deployment', id],
    queryFn: ({ signal }) => call(getDeployment, { params: { project, deployment: id } }, signal),
  })

export const acceptance = (project: string, id: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'acceptance', id],
    queryFn: ({ signal }) => call(getAcceptance, { params: { project, deployment: id } }, signal),
  })

export const versions = (project: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'versions'],
    queryFn: ({ signal }) => call(listVersions, { params: { project } }, signal),
  })

export const lineage = (project: string, version: number) =>
  queryOptions({
    queryKey: [...projectKey(project), 'lineage', version],
    queryFn: ({ signal }) => call(getLineage, { params: { project, version } }, signal),
  })

export const alerts = (project: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'alerts'],
    queryFn: ({ signal }) => call(listAlerts, { params: { project } }, signal),
  })

export const monitorWindows = (project: string) =>
  queryOptions({
    queryKey: [...projectKey(project), 'windows'],
    queryFn: ({ signal }) => call(listMonitorWindows, { params: { project } }, signal),
  })
