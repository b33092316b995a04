import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CompletionRecord, Executor, Handle } from '../../src/core/ports/executor.ts'
import { TASKS, type TaskName } from '../../src/core/plan.ts'
import type { CancelMode } from '../../src/core/run-state.ts'
import type { TaskOutput } from '../../src/core/task.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { listAttempts } from '../../src/engine/runs.sql.ts'
import { parsePipeline } from '../../src/pipeline/parse-pipeline.ts'
import type { RunEvent } from '../../src/pipeline/plan-context.ts'
import { planRun } from '../../src/pipeline/plan-run.ts'
import { concurrencyGroup } from '../../src/pipeline/starts-run.ts'
import { openEnginePlace, type EnginePlace } from '../engine/engine-place.ts'
import { DATABASES } from '../harness/databases.ts'

/**
 * A folder is a scenario: `tidegate.yaml`, whose commands are words of the dummy executor, and
 * `expect.json` as described by `Scenario`. A new folder is a new test.
 */
interface Scenario {
  /** Runs of the file, one after the other, in one project. */
  readonly runs: readonly ScenarioRun[]
}

interface ScenarioRun {
  readonly branch?: string
  readonly event?: RunEvent
  /** Files of the commit, by path. */
  readonly commit?: Readonly<Record<string, string>>
  /** What tasks answer; those that are not named answer nothing and succeed. */
  readonly tasks?: Readonly<Partial<Record<TaskName, TaskOutput>>>
  /** Cancels the run when the first attempt of this step runs: its name, or with a way to cancel (default: now). */
  readonly cancelIn?: string | { readonly step: string; readonly mode: CancelMode }
  /** Members of the run's row, and of steps' rows by key. */
  readonly run: Readonly<Record<string, unknown>>
  readonly steps: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const FOLDER = import.meta.dirname
const NAMES = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  let engine: Engine
  let answers: ScenarioRun['tasks'] = {}
  beforeAll(async () => {
    place = await openEnginePlace(kind, { wrap: (executor) => withTasks(executor, (name) => answers?.[name] ?? {}) })
    const bindings = Object.keys(TASKS).map((name) => [name, { version: 1 }])
    engine = await place.start({ tasks: Object.fromEntries(bindings) })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test.each(NAMES)('%s', async (name) => {
    const { runs } = JSON.parse(readFileSync(join(FOLDER, name, 'expect.json'), 'utf8')) as Scenario
    for (const wanted of runs) {
      answers = wanted.tasks
      const id = await createRun(name, wanted)
      if (wanted.cancelIn !== undefined) await cancelIn(id, wanted.cancelIn)

      const { run, steps } = await place.untilEnded(id)

      expect(run).toMatchObject(wanted.run)
      expect(steps).toMatchObject(wanted.steps)
    }
  })

  async function createRun(name: string, wanted: ScenarioRun): Promise<string> {
    const text = readFileSync(join(FOLDER, name, 'tidegate.yaml'), 'utf8')
    const { branch = 'main', event = 'push', commit = {} } = wanted
    const context = { project: name, branch, defaultBranch: 'main', event, files: Object.keys(commit) }
    const readText = (path: string) => commit[path]
    const { pipeline, problems } = parsePipeline(text)
    const planned = pipeline === undefined ? { problems } : planRun(pipeline, { ...context, readText })
    const group = pipeline === undefined ? undefined : concurrencyGroup(pipeline, context)
    const run = await place.create(engine, {
      project: name,
      branch,
      event,
      sourceTree: await place.commit(commit),
      dedupeKey: `${name} ${Math.random()}`,
      problems: planned.problems,
      ...('plan' in planned && planned.plan !== undefined ? { plan: planned.plan } : {}),
      ...(group === undefined ? {} : { concurrency: group }),
    })
    return run.id
  }

  async function cancelIn(id: string, wanted: NonNullable<ScenarioRun['cancelIn']>): Promise<void> {
    const { step, mode } = typeof wanted === 'string' ? { step: wanted, mode: 'now' as const } : wanted
    await place.until(async () =>
      (await listAttempts(place.database.read, id, { step, limit: 1 })).some((attempt) => attempt.state === 'running'),
    )
    await engine.cancel(id, 'bo', mode)
  }
})

/** Commands go to the executor; a task ends at once with its answer. */
function withTasks(executor: Executor, answer: (task: TaskName) => TaskOutput): Executor {
  const records = new Map<Handle, CompletionRecord>()
  return {
    ...executor,
    async submit(order, secrets) {
      if (order.command.kind === 'command') return executor.submit(order, secrets)
      const taskOutput = answer(order.command.task as TaskName)
      const at = Date.now()
      records.set(order.attemptFolder, {
        version: 1,
        attemptId: order.attemptId,
        outcome: taskOutput.failure === undefined ? 'succeeded' : 'failed',
        startedAt: at,
        endedAt: at,
        logBytes: 0,
        logLostBytes: 0,
        outs: {},
        kept: {},
        taskOutput,
      })
      return order.attemptFolder
    },
    async observe(handles) {
      const seen = await executor.observe(handles.filter((handle) => !records.has(handle)))
      for (const handle of handles) {
        const record = records.get(handle)
        if (record !== undefined) seen.set(handle, { kind: 'ended', record })
      }
      return seen
    },
  }
}
