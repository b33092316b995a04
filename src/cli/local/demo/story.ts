import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../core/errors.ts'
import { git, push, tidegate, type DemoPlace } from './demo-place.ts'
import { say } from './terminal.ts'
import { label, traffic } from './traffic-process.ts'
import {
  alertsOf,
  newestRun,
  rollbackMs,
  untilDeployment,
  untilEnded,
  untilRetraining,
  untilStage,
  untilWindows,
} from './watch.ts'

/** Plain images, and the same turned and noised: what a scanner does that somebody has moved. */
const DRIFT = { degrees: 25, noise: 2 }

/** Two windows of 500 rows, and some more: a window ends with its last millisecond. */
const TWO_WINDOWS = 1_100

/** The story of one model, from the first push to the retraining that an alert started. */
export async function tellStory(place: DemoPlace): Promise<void> {
  const champion = await firstVersion(place)
  await plainTraffic(place, champion)
  await worseModel(place)
  await brokenModel(place, champion)
  await automaticDelivery(place)
  await driftAndRetraining(place, champion)
}

async function firstVersion(place: DemoPlace): Promise<number> {
  say.chapter(1, 'A commit goes in: build, unit tests, training, integration tests, gates')
  await git(place, ['init', '--quiet', '--initial-branch', 'main'])
  await commitAll(place, 'Read handwritten digits')
  await push(place)
  const version = await registered(place)
  say.chapter(2, 'Staging, acceptance by testers, production by approval')
  await deliver(place, version, 'right')
  return version
}

async function commitAll(place: DemoPlace, message: string): Promise<void> {
  await git(place, ['add', '--all'])
  await git(place, ['commit', '--quiet', '--message', message])
  say.command('dana', ['git', 'commit', '-m', message])
}

async function registered(place: DemoPlace): Promise<number> {
  const { version, id, reason } = await newestRun(place)
  if (version !== null) return version
  throw new AppError(
    'UPSTREAM',
    `${id} registered no version: ${reason ?? 'it has not ended'}. The story cannot go on.`,
  )
}

/** Ana judges and signs, the lead approves, and the canary runs under `users`' requests until it is live. */
async function deliver(place: DemoPlace, version: number, verdict: string): Promise<void> {
  const run = await newestRun(place)
  await untilStage(place, run.number, 6, ['needs-person'])
  await accept(place, version, verdict)
  await untilDeployment(place, version, 'production', ['awaiting-approval'])
  await approve(place, version)
  await untilStage(place, run.number, 7, ['succeeded'])
}

async function accept(place: DemoPlace, version: number, verdict: string): Promise<void> {
  const said = await tidegate(place, 'ana', [
    'accept',
    `${place.project}@${version}`,
    '--judge',
    `*=${verdict}`,
    '--sign',
    'accept',
    '--comment',
    'every digit is read',
  ])
  say.line(said.split('\n')[0] ?? '')
}

async function approve(place: DemoPlace, version: number): Promise<void> {
  say.line(await tidegate(place, 'lead', ['approve', `${place.project}@${version}`, '--comment', 'go']))
}

/** The same requests as later, without drift: the monitor must stay quiet. */
async function plainTraffic(place: DemoPlace, version: number): Promise<void> {
  say.chapter(3, 'Users send digits; the monitors watch')
  const { counts, answers } = await traffic(place, { count: TWO_WINDOWS, seed: 1 })
  await label(place, answers)
  for (const window of await untilWindows(place, version, 2))
    say.line(`monitor ${window.monitor}: ${window.state}: ${window.summary}`)
  say.line(`${counts.sent} requests, ${counts.failed} failed; alerts: ${(await alertsOf(place)).length}`)
}

async function worseModel(place: DemoPlace): Promise<void> {
  say.chapter(4, 'A worse model: trained on 60 images. A gate stops it')
  await change(place, 'worse', 'Train on fewer images, it is quicker')
  await push(place)
  const run = await newestRun(place)
  for (const gate of run.stages.filter(({ number }) => number === 4)) say.stage(gate)
  if (run.version !== null) throw new AppError('UPSTREAM', `${run.id} registered a version although it is worse.`)
  await git(place, ['revert', '--no-edit', 'HEAD'])
}

/** Copies a change of the example's `changes/` over the repository and commits it. */
async function change(place: DemoPlace, name: string, message: string): Promise<void> {
  await cp(join(place.demoFolder, 'changes', name), place.repository, { recursive: true })
  await commitAll(place, message)
}

/** Nothing before production has a blank image, so only the canary can find it. */
async function brokenModel(place: DemoPlace, champion: number): Promise<void> {
  say.chapter(5, 'A broken model: fails on blank images, which no test has. The canary finds it')
  await change(place, 'broken-normalisation', 'Normalise by total ink, in integers')
  await push(place)
  const version = await registered(place)
  const run = await newestRun(place)
  await untilStage(place, run.number, 6, ['needs-person'])
  await accept(place, version, 'same')
  await untilDeployment(place, version, 'production', ['awaiting-approval'])
  await approve(place, version)
  await untilDeployment(place, version, 'production', ['rolling-out'])
  const stop = new AbortController()
  const users = traffic(place, { perSecond: 150, blanks: 0.1, seed: 2, signal: stop.signal })
  await untilStage(place, run.number, 7, ['failed'])
  await untilDeployment(place, version, 'production', ['rolled-back'])
  await sleep(300)
  stop.abort()
  const { counts } = await users
  say.line(`rolled back: ${await rollbackMs(place, version)} ms from the decision to its last answer`)
  const failed = (who: number) => counts.byVersion[String(who)]?.failed ?? 0
  say.line(
    `users of version ${champion}: ${counts.byVersion[String(champion)]?.ok ?? 0} answered, ${failed(champion)} failed; of version ${version}: ${failed(version)} failed`,
  )
  if (failed(champion) > 0) throw new AppError('UPSTREAM', 'Requests of the champion’s users failed.')
}

/** The change is taken back, and the team lets good versions go out by themselves from now on. */
async function automaticDelivery(place: DemoPlace): Promise<void> {
  say.chapter(6, 'The change is taken back; from now on versions that pass go out by themselves')
  await git(place, ['revert', '--no-edit', 'HEAD'])
  await cp(join(place.demoFolder, 'automatic'), place.repository, { recursive: true })
  await commitAll(place, 'Deliver automatically: approval none')
  await push(place)
}

async function driftAndRetraining(place: DemoPlace, champion: number): Promise<void> {
  say.chapter(7, 'The world changes: images arrive turned and noisy')
  const drifted = await traffic(place, { count: TWO_WINDOWS, drift: DRIFT, seed: 3 })
  say.line(
    `${await label(place, drifted.answers)} labels sent; version ${champion} read ${percent(drifted.counts)} of the drifted images`,
  )
  const { run, alert } = await untilRetraining(place)
  say.line(`alert: ${alert.summary}`)
  for (const action of alert.actions) say.line(`action ${action.kind}: ${action.outcome}: ${action.detail}`)
  say.chapter(8, 'The alert started a training run; it goes through the same stages')
  const ended = await untilEnded(place, run.number)
  for (const stage of ended.stages.filter(({ number }) => number <= 4)) say.stage(stage)
  for (const step of ended.steps.filter(({ key }) => key === 'train' || key === 'prepare'))
    say.line(`${step.key}: ${step.cache ?? ''}: ${step.why ?? ''}`)
  for (const gate of ended.gates) say.line(`gate ${gate.outcome}: ${gate.summary}`)
  await driftedAfter(place, run.number)
}

async function driftedAfter(place: DemoPlace, number: number): Promise<void> {
  const { version } = await newestRun(place)
  if (version === null) throw new AppError('UPSTREAM', `${place.project}#${number} registered no version.`)
  const stop = new AbortController()
  const users = traffic(place, { perSecond: 100, drift: DRIFT, seed: 4, signal: stop.signal })
  await untilStage(place, number, 7, ['succeeded'])
  stop.abort()
  await users
  const after = await traffic(place, { count: 300, drift: DRIFT, seed: 5 })
  say.line(`version ${version} reads ${percent(after.counts)} of the drifted images`)
  say.chapter(9, 'Where the version that serves came from')
  for (const line of (await tidegate(place, 'dana', ['lineage', `${place.project}@${version}`])).split('\n'))
    say.line(line)
}

function percent({ right, sent }: { right: number; sent: number }): string {
  return `${((100 * right) / sent).toFixed(1)} %`
}
