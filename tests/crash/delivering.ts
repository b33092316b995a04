import { getAcceptance, judgeCase, signAcceptance } from '../../src/api/acceptance.ts'
import {
  approveDeployment,
  deployVersion,
  listDeployments,
  rejectDeployment,
  resumeDeployment,
  rollBack,
  type Deployment,
} from '../../src/api/deployments.ts'
import { isAppError } from '../../src/core/errors.ts'
import { patiently, untilTrue } from './patience.ts'
import type { Teller } from './story.ts'
import { push } from './telling.ts'

type State = Deployment['state']

/** Another bundle of the same model. */
export async function pushVersion(teller: Teller, version: number): Promise<void> {
  if (version > 1) await teller.project.commit({ 'note.txt': `note ${version}\n` })
  await push(teller)
}

async function deploymentsOf({ admin, project }: Teller, environment: string): Promise<Deployment[]> {
  const asked = { params: { project: project.name }, query: { environment } }
  return (await patiently(() => admin.client.call(listDeployments, asked))).deployments
}

/** When the newest deployment of the version is in one of these states. */
export async function reaches(
  teller: Teller,
  version: number,
  environment: string,
  ...states: State[]
): Promise<Deployment> {
  let seen = ''
  return untilTrue(`${version} to be ${states.join(' or ')} in ${environment}`, async () => {
    const found = (await deploymentsOf(teller, environment)).find((one) => one.version === version)
    seen = `${found?.state}: ${found?.reason}`
    return found !== undefined && states.includes(found.state) ? found : undefined
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${seen}`, { cause: error })
  })
}

/** What is asked for may have been done by the server that died before it could say so. */
async function askedOnce(work: () => Promise<unknown>): Promise<void> {
  try {
    await patiently(work)
  } catch (error) {
    if (!isAppError(error, 'STATE_CONFLICT')) throw error
  }
}

export async function approve(teller: Teller, version: number): Promise<void> {
  const { id, bundle } = await reaches(teller, version, 'production', 'awaiting-approval')
  await decide(teller, approveDeployment, id, bundle)
}

export async function reject(teller: Teller, version: number): Promise<void> {
  const { id, bundle } = await reaches(teller, version, 'production', 'awaiting-approval')
  await decide(teller, rejectDeployment, id, bundle)
}

function decide(
  { admin, project }: Teller,
  how: typeof approveDeployment,
  deployment: string,
  bundle: string,
): Promise<void> {
  const params = { project: project.name, deployment }
  return askedOnce(() => admin.client.call(how, { params, body: { bundle, comment: '' } }))
}

/** A rollout that waits for requests holds again when none come after a person's word: so one comes. */
export async function resumeUntilLive(teller: Teller, version: number): Promise<void> {
  const { admin, project } = teller
  await untilTrue(`version ${version} to be live`, async () => {
    const found = (await deploymentsOf(teller, 'production')).find((one) => one.version === version)
    const params = { project: project.name, deployment: found?.id ?? '' }
    if (found?.state === 'held')
      await askedOnce(() => admin.client.call(resumeDeployment, { params, body: { comment: '' } }))
    await teller.infer('production').catch(() => undefined)
    return found?.state === 'live' || undefined
  })
}

/** Rolls this version back, and not one more when the first word was heard and not answered. */
export async function takeBack(teller: Teller, version: number, environment: string): Promise<void> {
  const { admin, project } = teller
  await untilTrue('the rollback', async () => {
    const known = (await deploymentsOf(teller, environment)).filter((one) => one.version === version)
    if (known.some(({ state }) => state === 'rolling-back' || state === 'rolled-back')) return true
    const params = { project: project.name, environment }
    return admin.client.call(rollBack, { params, body: { reason: 'a hunch' } }).then(
      () => true,
      () => undefined,
    )
  })
}

/** The same version once more; one that the dead server has made is not made again. */
export async function deployAgain(teller: Teller, version: number): Promise<void> {
  const { mia, project } = teller
  await untilTrue('another deployment', async () => {
    const known = (await deploymentsOf(teller, 'production')).filter((one) => one.version === version)
    if (known.length > 1) return true
    const body = { version, environment: 'production' }
    return mia.client.call(deployVersion, { params: { project: project.name }, body }).then(
      () => true,
      () => undefined,
    )
  })
}

/** The tester judges every case and signs. */
export async function sign(teller: Teller, version: number, decision: 'accept' | 'reject'): Promise<void> {
  const { tess, project } = teller
  const { id } = await reaches(teller, version, 'staging', 'awaiting-acceptance')
  const params = { project: project.name, deployment: id }
  const session = await untilTrue('the session', async () => {
    const found = await tess.client.call(getAcceptance, { params }).catch(() => undefined)
    return found?.state === 'open' ? found : undefined
  })
  for (const one of session.cases) {
    const body = { case: one.id, verdict: 'right', comment: '' } as const
    await patiently(() => tess.client.call(judgeCase, { params, body }))
  }
  const body = { decision, digest: session.digest, comment: '' }
  await askedOnce(() => tess.client.call(signAcceptance, { params, body }))
}
