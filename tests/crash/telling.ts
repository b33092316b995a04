import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cancelRun, rerunRun, type RunDetail } from '../../src/api/runs.ts'
import { ATTEMPT_FILES, type SupervisorClaim } from '../../src/core/attempt-files.ts'
import type { CancelMode } from '../../src/core/run-state.ts'
import { readJsonFile } from '../../src/lib/json-file.ts'
import { patiently, untilTrue } from './patience.ts'
import type { Teller } from './story.ts'

/** Cancels while the step's attempt is held up. The server may die with the hold: then the next one is held again. */
export async function cancelHeld(teller: Teller, point: string, key: string): Promise<void> {
  const subject = `${teller.project.name}#1/${key}`
  teller.arms.arm(point, 'hold', { subject, times: 100 })
  await push(teller)
  await untilTrue('the attempt to be held', () => teller.arms.isHeld(point, subject))
  await cancel(teller, 1)
  await untilTrue('the run to end', async () => {
    teller.arms.release(point, subject)
    return (await patiently(() => teller.project.run(1))).endedAt ?? undefined
  })
  await ends(teller, 1, 'cancelled')
}

export function broken({ arms, project }: Teller): number {
  return arms
    .reached()
    .filter(({ subject, point }) => subject.startsWith(`${project.name}#`) && point.startsWith('before')).length
}

/** Until git says that it is there: a server that died may have taken it all the same. */
export async function push({ person, project }: Teller): Promise<void> {
  await untilTrue('the push to be taken', async () => {
    const { code } = await project.push(person, '--push-option=detach')
    return code === 0
  })
}

export async function cancel({ person, project }: Teller, number: number, mode: CancelMode = 'now'): Promise<void> {
  try {
    await patiently(() => person.client.call(cancelRun, { params: { project: project.name, number }, body: { mode } }))
  } catch (error) {
    // Asked before the server died, and ended since.
    if (!String(error).includes('cannot be cancelled')) throw error
  }
}

/** A person whose server did not answer looks before asking again: a rerun is a new run each time. */
export async function again({ person, project }: Teller, number: number): Promise<void> {
  const runs = await project.runs()
  if (runs.some(({ parentRun }) => parentRun === `${project.name}#${number}`)) return
  await person.client.call(rerunRun, { params: { project: project.name, number }, body: { failed: true } })
}

export async function untilState(
  { project }: Teller,
  number: number,
  is: (run: RunDetail) => boolean,
): Promise<RunDetail> {
  return untilTrue(`${project.name}#${number}`, async () => {
    const run = await project.run(number).catch(() => undefined)
    return run !== undefined && is(run) ? run : undefined
  })
}

export async function ends(teller: Teller, number: number, state: RunDetail['state']): Promise<void> {
  const run = await untilState(teller, number, ({ endedAt }) => endedAt !== null)
  if (run.state !== state) throw new Error(`${run.id} is ${run.state}, not ${state}: ${run.reason ?? ''}`)
}

export function claimOf({ dataFolder, project }: Teller, key: string): SupervisorClaim | undefined {
  for (let attempt = 9; attempt > 0; attempt -= 1) {
    const file = join(dataFolder, 'attempts', project.name, '1', key, String(attempt), ATTEMPT_FILES.claim)
    const claim = readJsonFile(file) as SupervisorClaim | undefined
    if (claim !== undefined) return claim
  }
  return undefined
}

/** Of the step's first run, its last attempt. */
export async function commandRuns(teller: Teller, key: string): Promise<SupervisorClaim> {
  return untilTrue(`${key} to run`, () => {
    const claim = claimOf(teller, key)
    return claim?.command === undefined ? undefined : claim
  })
}

export async function killSupervisor(teller: Teller, key: string): Promise<void> {
  const { supervisor } = await commandRuns(teller, key)
  process.kill(supervisor.pid, 'SIGKILL')
}

export function openDoor({ doors, project }: Teller): void {
  writeFileSync(join(doors, project.name), '')
}
