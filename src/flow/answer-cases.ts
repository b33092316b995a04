import type { AnswerSpec, BundleManifest } from '../core/bundle.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { parseAcceptanceCases, type AcceptanceCase } from '../delivery/acceptance/acceptance-cases.ts'
import { rulesOf } from '../delivery/rules-of.ts'
import type { AnsweredCase } from '../delivery/acceptance/open-session.ts'
import { expandNames } from '../access/people.ts'
import { AppError } from '../core/errors.ts'
import type { Digest } from '../core/digest.ts'
import { getRun } from '../engine/runs.sql.ts'
import { findVersionByBundle } from '../registry/versions.sql.ts'
import { getProject } from '../source/projects.ts'
import { readCommitText } from '../source/read-commit.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { championOf } from './champion.ts'
import type { Installation } from './installation.ts'
import { hostIdOfDeployment } from './route-table.ts'

type Needs = Pick<Installation, 'database' | 'dataFolder' | 'routes'>

export interface AnsweredCases {
  readonly testers: readonly string[]
  readonly championBundle: string | null
  readonly cases: readonly AnsweredCase[]
}

/**
 * What testers judge: each case of the commit's file with the answers of the version in staging and of the
 * champion, both through the real gateway, by hosts that serve already.
 */
export async function answerCases(
  needs: Needs,
  deployment: DeploymentRow,
  signal: AbortSignal,
): Promise<AnsweredCases> {
  const { read } = needs.database
  const run = await getRun(read, deployment.run_id)
  if (run === undefined)
    throw new AppError('NOT_FOUND', `The run ${deployment.run_id} of version ${deployment.version} is gone.`)
  const acceptance = rulesOf(deployment).acceptance
  const cases =
    acceptance?.cases === undefined ? [] : await readCases(needs, run.project, run.commit_id, acceptance.cases)
  const champion = await championOf(read, run)
  const own = await answersOf(needs, { deployment, cases, signal })
  const theirs =
    champion === undefined ? undefined : await answersOf(needs, { deployment: champion.deployment, cases, signal })
  return {
    testers: await expandNames(read, acceptance?.testers ?? []),
    championBundle: champion?.deployment.bundle ?? null,
    cases: cases.map((spec, index) => ({
      id: spec.id,
      spec,
      candidate: own[index] ?? null,
      champion: theirs?.[index] ?? null,
    })),
  }
}

async function readCases(
  { database, dataFolder }: Needs,
  name: string,
  commit: string,
  path: string,
): Promise<AcceptanceCase[]> {
  const project = await getProject(database.read, name)
  const file = project.path === '' ? path : `${project.path}/${path}`
  const text = await readCommitText(repositoryFolder(dataFolder, project), commit, file)
  if (text === undefined)
    throw new AppError('NOT_FOUND', `acceptance.cases names ${path}, which is not in commit ${commit.slice(0, 12)}.`)
  return parseAcceptanceCases(text, path)
}

/** Over an endpoint of its own, so that testers' questions are not logged as production's. */
async function answersOf(
  needs: Needs,
  { deployment, cases, signal }: { deployment: DeploymentRow; cases: readonly AcceptanceCase[]; signal: AbortSignal },
): Promise<unknown[]> {
  const version = await findVersionByBundle(needs.database.read, deployment.project, deployment.bundle)
  if (version === undefined || cases.length === 0) return []
  const id = `acceptance-${deployment.id.slice(-12)}-${deployment.environment}`
  const wanted = {
    id,
    project: deployment.project,
    model: deployment.model,
    bundle: deployment.bundle as Digest,
    manifest: version.manifest,
    runId: version.runId,
    host: hostIdOfDeployment(deployment),
  }
  const endpoint = await needs.routes.openPrivate(wanted, signal)
  try {
    const answers: unknown[] = []
    for (const one of cases) answers.push(await ask(endpoint, one, version.manifest, signal))
    return answers
  } finally {
    await needs.routes.closePrivate(id)
  }
}

interface OutputTensor {
  readonly name: string
  readonly data: readonly (string | number | boolean)[]
}

interface InferAnswer {
  readonly outputs?: readonly OutputTensor[]
  readonly error?: string
}

async function ask(
  { url, token }: { url: string; token: string },
  one: AcceptanceCase,
  manifest: BundleManifest,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(`${url}/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: one.id, inputs: one.inputs }),
    signal,
  })
  const answer = (await response.json()) as InferAnswer
  if (!response.ok || answer.outputs === undefined)
    return { prediction: '', error: answer.error ?? `status ${response.status}` }
  return readAnswer(answer.outputs, manifest.signature.answer)
}

function readAnswer(
  outputs: readonly OutputTensor[],
  spec: AnswerSpec,
): { prediction: string; scores?: Record<string, number> } {
  const prediction = String(outputs.find(({ name }) => name === spec.prediction)?.data[0] ?? '')
  const scores = outputs.find(({ name }) => name === spec.scores)?.data as readonly number[] | undefined
  if (scores === undefined) return { prediction }
  return {
    prediction,
    scores: Object.fromEntries(scores.map((score, index) => [spec.classes?.[index] ?? String(index), score])),
  }
}
