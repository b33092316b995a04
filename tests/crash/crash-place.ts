import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatabaseKind } from '../harness/databases.ts'
import { startTestServerProcess, type TestServerProcess } from '../harness/server-process.ts'
import type { TestProject } from '../harness/server.ts'
import { temporaryFolder } from '../source/git-place.ts'
import { openArms, type Arms } from './arms.ts'
import { isQuiet, violations } from './invariants.ts'
import { keepUp } from './keep-up.ts'
import { untilTrue } from './patience.ts'
import type { Story, Teller } from './story.ts'

/** What a play of stories came to. */
export interface Report {
  /** From the start of the process to the line that says it is up, for each start after a kill; undefined: killed before that. */
  readonly starts: readonly (number | undefined)[]
  readonly notReached: readonly string[]
  readonly violations: readonly string[]
}

/** `tidegate up` as people start it, with a hook at its points, killed and started again while stories go on. */
export interface CrashPlace extends AsyncDisposable {
  readonly place: TestServerProcess
  readonly arms: Arms
  /** Beside the data folder, open to all steps. */
  readonly folders: { readonly executions: string; readonly doors: string }
  teller(project: TestProject): Teller
  /** Each story in a project of its own, all at once, with a kill at each of the points. */
  play(stories: readonly Story[], points: readonly string[]): Promise<Report>
  /**
   * Plays all, then again those whose moves are still waited for: a kill may take a story another way, so that
   * what only it reaches is not reached the first time.
   */
  playUntilReached(stories: readonly Story[], points: readonly string[]): Promise<Report>
  /** Waits until everything has ended; answers what is not as it must be. */
  violations(): Promise<string[]>
}

const ARMED = fileURLToPath(new URL('armed-program.ts', import.meta.url))
const WAVES = 5

export async function openCrashPlace(kind: DatabaseKind): Promise<CrashPlace> {
  await using opening = new AsyncDisposableStack()
  const arms = openArms(opening.use(await temporaryFolder()).path)
  const place = opening.use(
    await startTestServerProcess(kind, 'steps: { cpus: 64 }\n', {
      node: ['--import', ARMED],
      env: { TIDEGATE_TEST_ARMS: arms.folder },
    }),
  )
  chmodSync(place.folder, 0o755)
  const folders = { executions: openFolder(place, 'executions'), doors: openFolder(place, 'doors') }
  const people = {
    person: await place.person('ana'),
    tess: await place.person('tess', 'tester'),
    mia: await place.person('mia', 'maintainer'),
    admin: place.admin,
  }
  const owned = opening.move()

  function teller(project: TestProject): Teller {
    const { dataFolder } = place
    return {
      ...people,
      project,
      arms,
      dataFolder,
      doors: folders.doors,
      killServer: () => place.kill(),
      async infer(environment) {
        const url = `${place.server.gatewayAddress}/${project.name}/${environment}/v2/models/${project.name}/infer`
        const input = { name: 'x', shape: [1, 4], datatype: 'INT64', data: [0, 5, 1, 2] }
        await fetch(url, { method: 'POST', body: JSON.stringify({ inputs: [input] }) })
      },
    }
  }

  async function tell(story: Story, name: string): Promise<() => Promise<string[]>> {
    const project = await place.project(name, story.files(folders))
    return () =>
      story.play(teller(project)).then(
        () => [],
        (error: unknown) => [`${name}: ${String(error)}`],
      )
  }

  async function play(stories: readonly Story[], points: readonly string[], suffix = ''): Promise<Report> {
    const plays: (() => Promise<string[]>)[] = []
    for (const story of stories) plays.push(await tell(story, `${story.name}${suffix}`))
    for (const point of points) arms.arm(point)
    const keeper = keepUp(place)
    const failures = (await Promise.all(plays.map((one) => one()))).flat()
    const found = failures.length === 0 ? await ended() : await look()
    const starts = await keeper.stop()
    const notReached = arms.left()
    arms.clear()
    return { starts, notReached, violations: [...failures, ...found] }
  }

  function look(): Promise<string[]> {
    return violations({
      databaseUrl: place.databaseUrl,
      dataFolder: place.dataFolder,
      executions: folders.executions,
    })
  }

  async function ended(): Promise<string[]> {
    await untilTrue('everything to end', () => isQuiet(place.databaseUrl))
    return look()
  }

  return {
    place,
    arms,
    folders,
    teller,
    play,
    violations: ended,
    async playUntilReached(stories, points) {
      let report = await play(stories, points)
      for (let wave = 2; wave <= WAVES && report.notReached.length > 0; wave += 1) {
        const { notReached } = report
        const wanted = stories.filter(({ only = [] }) => only.some((move) => notReached.some((p) => p.endsWith(move))))
        if (wanted.length === 0 || report.violations.length > 0) break
        const more = await play(wanted, notReached, `-${wave}`)
        report = { ...more, starts: [...report.starts, ...more.starts] }
      }
      return report
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Steps run as users of their own, and all may write here. */
function openFolder(place: TestServerProcess, name: string): string {
  const folder = join(place.folder, name)
  mkdirSync(folder)
  chmodSync(folder, 0o777)
  return folder
}
