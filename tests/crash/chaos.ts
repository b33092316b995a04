import { setTimeout as sleep } from 'node:timers/promises'
import { deliveredProject, tellStory } from '../stages/delivery-story.ts'
import type { CrashPlace } from './crash-place.ts'
import { approve, reaches } from './delivering.ts'
import { keepUp } from './keep-up.ts'
import { untilTrue } from './patience.ts'
import { askWithoutPause } from './predictions.ts'
import { oneOf, seeded } from './random.ts'
import { commandsOf, gatewayOf, kill, supervisorsOf, VICTIMS, type Victim } from './victims.ts'
import { pushLoad } from './push-load.ts'

export interface ChaosReport {
  readonly kills: Readonly<Record<Victim, number>>
  /** Kills with something half done, by what it was. */
  readonly points: ReadonlyMap<string, number>
  readonly runs: number
  /** Of server starts after a kill. */
  readonly startsMs: readonly (number | undefined)[]
  /** From a kill of the gateway to the next answer. */
  readonly absencesMs: readonly number[]
  readonly predictions: number
  readonly violations: readonly string[]
}

const PROJECTS = 3
/** For a point that was armed to be reached; where nobody comes by, another victim is chosen. */
const POINT_MS = 10_000

/**
 * Kills `kills` times, one victim after another, while several projects push and run and predictions are
 * asked for; then lets everything end and looks.
 */
export async function killAtRandom(
  crash: CrashPlace,
  options: { readonly kills: number; readonly seed: number; readonly onKill?: (count: number) => void },
): Promise<ChaosReport> {
  const { place } = crash
  const random = seeded(options.seed)
  const story = await tellStory(place, 'served', deliveredProject('  production: { approval: none }\n'))
  const served = crash.teller(story.project)
  await story.push(served.person)
  await approve(served, 1)
  await reaches(served, 1, 'production', 'live')
  const predictions = askWithoutPause(() => story.infer('production', [[0, 5, 1, 2]]))
  const loads = await Promise.all(Array.from({ length: PROJECTS }, (_, at) => pushLoad(crash, `load-${at}`)))
  const keeper = keepUp(place)
  const kills = Object.fromEntries(Object.keys(VICTIMS).map((victim) => [victim, 0])) as Record<Victim, number>

  for (let count = 0; count < options.kills;) {
    await untilTrue('the server to be up', () => place.isUp || undefined)
    await sleep(random() * 400)
    const victim = oneOf(random, Object.keys(VICTIMS) as Victim[])
    if (!(await killOne(crash, victim, random, () => predictions.gatewayKilled()))) continue
    kills[victim] += 1
    count += 1
    options.onKill?.(count)
  }

  const runs = (await Promise.all(loads.map((load) => load.stop()))).reduce((sum, made) => sum + made, 1)
  const { answered, absencesMs, losses } = await predictions.stop()
  const found = await crash.violations()
  const startsMs = await keeper.stop()
  const points = new Map(
    Map.groupBy(crash.arms.reached(), ({ point }) => point)
      .entries()
      .map(([point, all]) => [point, all.length]),
  )
  return { kills, points, runs, startsMs, absencesMs, predictions: answered, violations: [...losses, ...found] }
}

/** False: there was nobody of that kind to kill. */
async function killOne(
  crash: CrashPlace,
  victim: Victim,
  random: () => number,
  gatewayKilled: () => void,
): Promise<boolean> {
  const { place } = crash
  const isAboutSteps = victim === 'supervisor' || victim === 'command'
  const commands = isAboutSteps ? await soonCommandsOf(place.dataFolder) : commandsOf(place.dataFolder)
  const supervisors = supervisorsOf(commands)
  const gateway = gatewayOf(place)
  const killGateway = () => {
    if (gateway === undefined) return
    gatewayKilled()
    kill(gateway)
  }
  switch (victim) {
    case 'server':
      kill(place.pid)
      return true
    case 'point':
      return killAtPoint(crash, random)
    case 'supervisor':
      if (supervisors.length > 0) kill(oneOf(random, supervisors))
      return supervisors.length > 0
    case 'command':
      if (commands.length > 0) kill(oneOf(random, commands).pid)
      return commands.length > 0
    case 'gateway':
      killGateway()
      return gateway !== undefined
    case 'all':
      killGateway()
      for (const pid of [place.pid, ...supervisors, ...commands.map((one) => one.pid)]) kill(pid)
      return true
  }
}

/** Steps are short: the next that runs will do. */
async function soonCommandsOf(dataFolder: string): Promise<ReturnType<typeof commandsOf>> {
  const deadline = performance.now() + POINT_MS
  for (;;) {
    const commands = commandsOf(dataFolder)
    if (supervisorsOf(commands).length > 0 || performance.now() > deadline) return commands
    await sleep(10)
  }
}

async function killAtPoint({ arms }: CrashPlace, random: () => number): Promise<boolean> {
  const before = arms.reached().length
  arms.arm(oneOf(random, BUSY_POINTS))
  const deadline = performance.now() + POINT_MS
  while (arms.reached().length === before && performance.now() < deadline) await sleep(10)
  arms.clear()
  return arms.reached().length > before
}

/** What every run comes by. */
const BUSY_POINTS = [
  ...[
    'runs queued start',
    'steps waiting start',
    'attempts starting run',
    'attempts running succeed',
    'steps running succeed',
    'runs running succeed',
  ].flatMap((move) => [`before ${move}`, `after ${move}`]),
  'refs moved',
  'push recorded',
  'push planned',
  'attempt opened',
  'order written',
  'attempt handed over',
  'attempt claimed',
  'command started',
  'command ended',
  'content written',
  'attempt recorded',
  'attempt ended',
  'attempt forgotten',
  'event handled',
]
