import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TASKS, type Plan } from '../../src/core/plan.ts'
import { formatProblem, type Problem } from '../../src/core/problem.ts'
import type { RunRow, StepRow } from '../../src/db/tables.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { getPlan, getRun, listAttempts, listSteps } from '../../src/engine/runs.sql.ts'
import { expressionContext } from '../../src/pipeline/params.ts'
import { parsePipeline } from '../../src/pipeline/parse-pipeline.ts'
import type { PlanContext } from '../../src/pipeline/plan-context.ts'
import { planRun } from '../../src/pipeline/plan-run.ts'
import { concurrencyGroup, startsRun } from '../../src/pipeline/starts-run.ts'
import { openEnginePlace, type EnginePlace } from '../engine/engine-place.ts'
import { DATABASES } from '../harness/databases.ts'
import { pipelineText, readScenario, scenarioNames, type ScenarioRun } from './scenario.ts'
import { withTasks } from './tasks-executor.ts'

/** Sleeps from this on last until they are released. */
const HELD_MS = 10 * 60_000

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  let engine: Engine
  let answers: ScenarioRun['tasks'] = {}
  let held = Promise.withResolvers<void>()
  beforeAll(async () => {
    place = await openEnginePlace(kind, {
      wrap: (executor) => withTasks(executor, (name) => answers[name] ?? {}),
      sleep: (ms, signal) => (ms < HELD_MS ? sleep(ms, undefined, { signal }) : orAborted(held.promise, signal)),
    })
    const bindings = Object.keys(TASKS).map((name) => [name, { version: 1 }])
    engine = await place.start({ tasks: Object.fromEntries(bindings) })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  // Projects share what steps without secrets made: a scenario begins with nothing.
  beforeEach(async () => {
    await place.database.write((writer) => writer.deleteFrom('step_cache').execute())
  })

  test.each(scenarioNames())('%s', async (name) => {
    let before: string | undefined
    for (const batch of batches(readScenario(name))) {
      held = Promise.withResolvers()
      const ids: [string, ScenarioRun][] = []
      for (const wanted of batch) {
        answers = wanted.tasks
        const id = await createRun(name, wanted, before)
        expect(id !== undefined, 'whether `on:` starts a run').toBe(wanted.starts)
        if (id === undefined) continue
        before = id
        ids.push([id, wanted])
        await untilReached(id, wanted)
        if (wanted.cancelIn !== undefined) await cancelIn(id, wanted.cancelIn)
      }
      held.resolve()
      for (const [id, wanted] of ids) await expectEnd(id, wanted)
    }
  })

  async function createRun(name: string, wanted: ScenarioRun, before: string | undefined): Promise<string | undefined> {
    if (wanted.rerun !== undefined && before !== undefined) {
      const request = { failedOnly: wanted.rerun === 'failed', by: 'bo' }
      return (await place.database.write((writer) => engine.rerun(writer, before, request))).run.id
    }
    const { branch, tag, event, changed, commit } = wanted
    const tagged = tag === undefined ? {} : { tag }
    const context: PlanContext = {
      project: name,
      branch,
      defaultBranch: 'main',
      event,
      files: Object.keys(commit),
      ...tagged,
      readText: (path) => commit[path],
    }
    const { pipeline, problems } = parsePipeline(pipelineText(name, wanted))
    const trigger = { event, branch, ...tagged, ...(changed === undefined ? {} : { changedFiles: changed }) }
    if (pipeline !== undefined && isAsked(trigger) && !startsRun(pipeline, trigger)) return undefined
    const planned = pipeline === undefined ? { problems } : planRun(pipeline, context)
    const group = pipeline && concurrencyGroup(pipeline, expressionContext(pipeline, context))
    const run = await place.create(engine, {
      project: name,
      branch,
      event,
      problems: planned.problems,
      ...tagged,
      sourceTree: await place.commit(commit),
      dedupeKey: `${name} ${Math.random()}`,
      ...('plan' in planned && planned.plan !== undefined ? { plan: planned.plan } : {}),
      ...(group === undefined ? {} : { concurrency: group }),
    })
    return run.id
  }

  async function untilReached(id: string, { reaches }: ScenarioRun): Promise<void> {
    if (reaches === undefined) return
    let seen: unknown
    const poll = place.until(async () => {
      const { run, steps } = await rowsOf(id)
      seen = { run, steps }
      return (
        fits(run, reaches.run ?? {}) && Object.entries(reaches.steps ?? {}).every(([key, row]) => fits(steps[key], row))
      )
    })
    await Promise.race([poll, sleep(60_000).then(() => expect(seen).toMatchObject(reaches))])
  }

  async function rowsOf(id: string): Promise<{ run: RunRow; steps: Record<string, StepRow> }> {
    const run = await getRun(place.database.read, id)
    if (run === undefined) throw new Error(`${id} is gone`)
    const steps = await listSteps(place.database.read, id)
    return { run, steps: Object.fromEntries(steps.map((step) => [step.key, step])) }
  }

  async function cancelIn(id: string, wanted: NonNullable<ScenarioRun['cancelIn']>): Promise<void> {
    const { step, mode } = typeof wanted === 'string' ? { step: wanted, mode: 'now' as const } : wanted
    await place.until(
      async () =>
        step === 'queued' ||
        (await listAttempts(place.database.read, id, { step, limit: 1 })).some(({ state }) => state === 'running'),
    )
    await engine.cancel(id, 'bo', mode)
  }

  async function expectEnd(id: string, wanted: ScenarioRun): Promise<void> {
    const { run, steps } = await place.untilEnded(id)
    const plan = await getPlan(place.database.read, id)

    expect(run).toMatchObject(wanted.run ?? {})
    expect(steps).toMatchObject(wanted.steps)
    const commands = plan.steps.filter(({ work }) => work.kind === 'command').map(({ key }) => key)
    expect(Object.keys(wanted.steps)).toEqual(expect.arrayContaining(commands))
    expect((JSON.parse(run.problems) as Problem[]).map(formatProblem)).toEqual(wanted.problems)
    for (const [step, states] of Object.entries(wanted.attempts)) expect(await attemptsOf(id, step)).toEqual(states)
    for (const [step, files] of Object.entries(wanted.sees)) {
      expect(lastOrder(id, step)?.inputs.map(({ path }) => path)).toEqual(files)
    }
    for (const [step, variables] of Object.entries(wanted.env)) {
      const env = lastOrder(id, step)?.env ?? {}
      expect(Object.fromEntries(Object.keys(variables).map((key) => [key, env[key] ?? null]))).toEqual(variables)
    }
    for (const [step, needs] of Object.entries(wanted.needs)) expect(needsOf(plan, step)).toEqual(needs)
  }

  async function attemptsOf(id: string, step: string): Promise<string[]> {
    const attempts = await listAttempts(place.database.read, id, { step, limit: 100 })
    return attempts.map(({ state, reason }) => (reason === null ? state : `${state} ${reason}`))
  }

  function lastOrder(id: string, step: string) {
    return place.orders.findLast(({ attemptId }) => attemptId.startsWith(`${id}/`) && stepOf(attemptId, id) === step)
  }
})

/** Runs that go on beside one another are one batch. */
function batches(runs: readonly ScenarioRun[]): ScenarioRun[][] {
  const found: ScenarioRun[][] = []
  for (const run of runs) {
    if (run.beside) found.at(-1)?.push(run)
    else found.push([run])
  }
  return found
}

function isAsked<T extends { readonly event: string }>(
  trigger: T,
): trigger is T & { readonly event: 'push' | 'pull-request' } {
  return trigger.event === 'push' || trigger.event === 'pull-request'
}

/** `project#1/step/2`; slashes of a step's key are written otherwise in it. */
function stepOf(attemptId: string, runId: string): string {
  return attemptId.slice(runId.length + 1, attemptId.lastIndexOf('/'))
}

function needsOf(plan: Plan, key: string): string[] {
  const needs = plan.steps.find((step) => step.key === key)?.needs ?? []
  const ours = new Set(plan.steps.flatMap((step) => (step.work.kind === 'task' ? [step.key] : [])))
  return needs
    .filter(({ step, data }) => data || !ours.has(step))
    .map(({ step, optional }) => (optional ? `${step}?` : step))
    .sort()
}

function fits(row: object | undefined, wanted: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(wanted).every(([name, value]) => row !== undefined && (row as typeof wanted)[name] === value)
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true })
  await Promise.race([promise, aborted.promise])
}
