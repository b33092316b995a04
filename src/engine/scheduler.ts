import { AppError } from '../core/errors.ts'
import type { PlanStep } from '../core/plan.ts'
import { STEP_TRANSITIONS, type StepState } from '../core/run-state.ts'
import { isFinal } from '../core/transitions.ts'
import { admitSteps, NO_MEMORY, type AdmissionMemory, type Candidate, type Occupant } from './admit-steps.ts'
import { createDecidedWaits } from './decided-waits.ts'
import { decideStep, type StepDecision } from './decide-step.ts'
import { sayError, type Jobs } from './jobs.ts'
import type { Kernel } from './kernel.ts'
import { lookUpStep, whatIsGone } from './look-up-step.ts'
import { adoptsInputs } from './adopts-inputs.ts'
import { brokenMatrices, culpritOf, holdParallel } from './matrix-rules.ts'
import { attemptId } from './attempt-place.ts'
import { cancelMembers } from './cancel-members.ts'
import { prepareStep, type PreparedStep } from './prepare-step.ts'
import { inWords, type Resources } from './resources.ts'
import { createRunView, type RunView } from './run-view.ts'
import type { RunGlance } from './runs.sql.ts'
import type { WrittenAhead } from '../db/open-database.ts'
import type { AttemptRow } from '../db/tables.ts'
import { startsSteps } from './cancel-run.ts'
import { endRun, judgeRun } from './settle-run.ts'
import { beginStep, failWaiting, settleFromOutputs, skipStep } from './settle-waiting.ts'
import { startQueued } from './start-queued.ts'
import { parseOutputs } from './step-outputs.ts'
import { getStep, type StepGlance } from './steps.sql.ts'
import { collectWhys } from './waiting-whys.ts'

/**
 * A step whose needs are met and which the cache does not have: it waits for room. What has ended never moves again, so
 * its needs stay met.
 */
interface Ready {
  readonly cache: { readonly kind: 'miss' | 'off'; readonly why: string | null }
  readonly capacity: Resources
  /** As it was seen last. */
  waiting?: Waiting
}

/** Marked so when the run was created. */
const FRESH = { kind: 'off', why: 'not taken from the cache: somebody asked to run it again' } as const

const PROBE_MS = 10_000

/** Also where no run has changed: room is kept free for who has waited long, and people change priorities. */
const ADMIT_AGAIN_MS = 1_000
const ALIKE: ReadonlyMap<string, number> = new Map()

/**
 * Looks at every run that has not ended and moves what can be moved: starts runs, skips, answers from the
 * cache, admits. A pass may be repeated at any time and does nothing where nothing has changed.
 */
export function createScheduler(
  kernel: Kernel,
  jobs: Jobs,
  prepared: Map<string, PreparedStep>,
  begin: (attemptId: string, open: () => Promise<WrittenAhead<AttemptRow | undefined>>) => Promise<boolean>,
) {
  /** By run and step: a wide run has thousands, and every pass asks for each. */
  const ready = new Map<string, Map<string, Ready>>()
  const whys = collectWhys(kernel)
  const probes = new Map<string, { readonly at: number; readonly found: Promise<Resources> }>()

  const view = createRunView(kernel.options.database.read)
  /** Runs in which something may be due. */
  const touched = new Set<string>()
  const waiting = new Map<string, readonly Waiting[]>()
  const decided = createDecidedWaits()
  /** Admitted, and not yet seen to run: they have their room. */
  const begun = new Map<string, Waiting>()
  const memories = new Map<string, AdmissionMemory>()
  let admittedAt = -Infinity
  let weights = ALIKE

  async function pass(): Promise<void> {
    const { runs, steps } = await look()
    const moving = runs.filter((run) => run.state !== 'queued')
    const due = moving.filter((run) => touched.has(run.id))
    for (const run of due) {
      touched.delete(run.id)
      waiting.set(run.id, await orTouched(run, () => advanceRun(run, steps.get(run.id) ?? [])))
    }
    if (due.length > 0 || performance.now() - admittedAt > ADMIT_AGAIN_MS) {
      admittedAt = performance.now()
      await admit(
        moving,
        steps,
        moving.flatMap((run) => waiting.get(run.id) ?? []),
      )
    }
    await whys.write()
  }

  async function look(): Promise<RunView> {
    const seen = note(await view.look())
    return (await startQueued(kernel, seen.runs)) ? note(await view.look()) : seen
  }

  function note(seen: RunView): RunView {
    for (const run of seen.runs) if (run.state !== 'queued' && seen.changed.has(run.id)) touched.add(run.id)
    for (const [run, steps] of seen.changed) {
      forgetEnded(steps)
      // All of a run are read at intervals, so that nothing depends on an event.
      if (steps.length === seen.steps.get(run)?.length) decided.forget(run)
      else decided.ended(run, endedAmong(steps))
    }
    if (seen.changed.size > 0) forgetGone(new Set(seen.runs.map((run) => run.id)))
    return seen
  }

  /** What could not be done is due again. */
  async function orTouched<T>(run: RunGlance, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      touched.add(run.id)
      throw error
    }
  }

  /** Answers the steps that are ready and wait for room. */
  async function advanceRun(run: RunGlance, steps: readonly StepGlance[]): Promise<Waiting[]> {
    const plan = await kernel.planOf(run.id)
    const end = judgeRun(run, plan, steps)
    if (end !== undefined) await endRun(kernel, run, end)
    if (end !== undefined || !startsSteps(run)) return []
    const byKey = await kernel.planStepsOf(run.id)
    const mine = ready.get(run.id)
    const found: Waiting[] = []
    let known: Map<string, StepState> | undefined
    const states = () => (known ??= new Map(steps.map(({ key, state }) => [key, state])))
    const broken = brokenMatrices(plan, (key) => states().get(key))
    await cancelMembers(kernel, run, byKey, steps, broken)
    for (const glance of steps) {
      const step = glance.state === 'waiting' ? byKey.get(glance.key) : undefined
      if (step === undefined) continue
      const culprit = broken.size === 0 ? undefined : culpritOf(step, broken)
      const known = culprit === undefined ? mine?.get(glance.key) : undefined
      if (known !== undefined) {
        found.push(asSeen(known, run, step, glance))
        continue
      }
      if (culprit === undefined && decided.has(run.id, glance.key)) continue
      if (begun.has(`${run.id}/${glance.key}`)) continue
      if (jobs.isBusy(`${run.id}/${glance.key}`)) {
        // It is being looked up; when that has ended nobody but the bell tells us.
        touched.add(run.id)
        continue
      }
      const decision: StepDecision =
        culprit === undefined ? decideStep(step, states(), run, byKey) : { kind: 'skip', why: culprit }
      if (decision.kind === 'skip') {
        await skipStep(kernel, run, glance.key, decision.why)
        states().set(glance.key, 'skipped')
        decided.ended(run.id, [glance.key])
      } else if (decision.kind === 'wait') {
        whys.say(glance, decision.why)
        decided.add(run.id, glance.key, byKey)
      } else startResolving(run, glance)
    }
    return found
  }

  function readyOf(runId: string): Map<string, Ready> {
    const found = ready.get(runId) ?? new Map<string, Ready>()
    ready.set(runId, found)
    return found
  }

  function startResolving(run: RunGlance, glance: StepGlance): void {
    const id = `${run.id}/${glance.key}`
    touched.add(run.id)
    jobs.start(id, {
      due: 'pass',
      work: () => resolve(run, glance),
      giveUp: (error) => failWaiting(kernel, run, glance.key, 'setup-error', sayError(error)),
    })
  }

  /** Takes a step's outputs from where they are, or makes it ready to run. */
  async function resolve(run: RunGlance, glance: StepGlance): Promise<void> {
    const context = await kernel.contextOf(run.id, glance.key)
    if (glance.adopts === 1) {
      const row = await getStep(kernel.options.database.read, run.id, glance.key)
      const outputs = parseOutputs(row?.outputs ?? '')
      if (adoptsInputs(context) && (await whatIsGone(kernel, context, outputs)) === undefined) {
        const why = `taken over from ${outputs.cachedFrom ?? 'the run before'}`
        return settleFromOutputs(kernel, context, { event: 'adopt', outputs, why })
      }
    }
    const capacity = await capacityFor(context.step)
    const step = await prepareStep(kernel, context)
    const answer = glance.cache === 'off' ? FRESH : await lookUpStep(kernel, step)
    if (answer.kind === 'hit') {
      return settleFromOutputs(kernel, context, { event: 'hit', outputs: answer.outputs, why: answer.why }, step)
    }
    prepared.set(`${run.id}/${glance.key}`, step)
    readyOf(run.id).set(glance.key, { cache: answer, capacity })
  }

  /** Refuses what can never run there. */
  async function capacityFor(step: PlanStep): Promise<Resources> {
    const capacity = await probe(step.runsOn)
    if (step.resources.gpus <= capacity.gpus) return capacity
    const wanted = inWords('gpus', step.resources.gpus)
    throw neverRuns(`${step.key} asks for ${wanted} (\`resources\`), but ${step.runsOn} has ${capacity.gpus}.`)
  }

  async function probe(name: string): Promise<Resources> {
    const known = probes.get(name)
    if (known !== undefined && performance.now() - known.at < PROBE_MS) return known.found
    const executor = kernel.executor(name)
    if (executor === undefined) {
      throw neverRuns(
        `There is no executor called ${name}; this server has ${[...kernel.options.executors.keys()].join(', ')}.`,
      )
    }
    const found = executor.probe()
    probes.set(name, { at: performance.now(), found })
    found.catch(() => probes.delete(name))
    return found
  }

  function forgetEnded(steps: readonly StepGlance[]): void {
    for (const { run_id: run, key, state } of steps) {
      const id = `${run}/${key}`
      if (state !== 'waiting') begun.delete(id)
      if (state === 'waiting' || state === 'running' || jobs.isBusy(id)) continue
      prepared.delete(id)
      ready.get(run)?.delete(key)
    }
  }

  function forgetGone(runs: ReadonlySet<string>): void {
    for (const id of touched) if (!runs.has(id)) touched.delete(id)
    const gone = [...waiting.keys()].filter((id) => !runs.has(id))
    if (gone.length === 0) return
    decided.keep(runs)
    for (const id of gone) {
      waiting.delete(id)
      ready.delete(id)
    }
    for (const [id, { run }] of begun) if (!runs.has(run.id)) begun.delete(id)
    for (const id of prepared.keys()) {
      if (!runs.has(id.slice(0, id.indexOf('/'))) && !jobs.isBusy(id)) prepared.delete(id)
    }
  }

  async function admit(
    runs: readonly RunGlance[],
    steps: ReadonlyMap<string, readonly StepGlance[]>,
    waiting: readonly Waiting[],
  ): Promise<void> {
    const candidates = waiting.filter(({ run, glance }) => ready.get(run.id)?.has(glance.key) === true)
    const { free, held } = holdParallel(candidates, steps, {
      isResolving: (id) => jobs.isBusy(id),
      isBegun: (id) => begun.has(id),
    })
    for (const { each, why } of held) whys.say(each.glance, why)
    for (const [executor, candidates] of Map.groupBy(free, (each) => each.step.runsOn)) {
      const [one] = candidates
      const capacity = one === undefined ? undefined : readyOf(one.run.id).get(one.glance.key)?.capacity
      if (capacity === undefined) continue
      const occupants = await occupantsOf(kernel, executor, runs, steps)
      for (const each of begun.values()) if (each.step.runsOn === executor) occupants.push(occupantOf(each))
      const tells = whys.isDue()
      if (tells) weights = (await kernel.options.weights?.()) ?? ALIKE
      const memory = memories.get(executor) ?? NO_MEMORY
      const decision = admitSteps(
        candidates.map((each) => candidateOf(each, weights)),
        occupants,
        capacity,
        memory,
        performance.now(),
        tells,
      )
      memories.set(executor, decision.memory)
      for (const each of candidates) if (decision.admitted.has(each.id)) startBeginning(each)
      if (tells) for (const { id, glance } of candidates) sayWhy(glance, decision.why.get(id))
    }
  }

  function sayWhy(glance: StepGlance, why: string | undefined): void {
    if (why !== undefined) whys.say(glance, why)
  }

  /** Beside the pass: the disk takes its time, and others may start meanwhile. */
  function startBeginning(each: Waiting): void {
    const { id, run, glance } = each
    const cache = readyOf(run.id).get(glance.key)?.cache
    const step = prepared.get(id)
    if (cache === undefined || step === undefined) return
    begun.set(id, each)
    readyOf(run.id).delete(glance.key)
    const lookAgain = () => {
      begun.delete(id)
      touched.add(run.id)
    }
    jobs.start(`begin ${id}`, {
      async work() {
        if (!(await begin(attemptId(run.id, glance.key, 1), () => beginStep(kernel, step, cache)))) lookAgain()
      },
      async giveUp(error) {
        // Nothing was written: it is looked up and admitted again.
        kernel.options.log.error({ step: id, error }, 'step could not be started')
        lookAgain()
      },
    })
  }

  return { pass }
}

interface Waiting {
  readonly id: string
  readonly run: RunGlance
  readonly step: PlanStep
  readonly glance: StepGlance
}

function asSeen(ready: Ready, run: RunGlance, step: PlanStep, glance: StepGlance): Waiting {
  const { waiting } = ready
  if (waiting?.glance === glance && waiting.run === run) return waiting
  return (ready.waiting = { id: `${run.id}/${glance.key}`, run, step, glance })
}

function endedAmong(steps: readonly StepGlance[]): string[] {
  return steps.flatMap(({ key, state }) => (isFinal(STEP_TRANSITIONS, state) ? [key] : []))
}

function occupantOf({ id, run, step }: Waiting): Occupant {
  return { id, project: run.project, ...needsOf(step) }
}

function candidateOf({ id, run, step }: Waiting, weights: ReadonlyMap<string, number>): Candidate {
  return { id, project: run.project, weight: weights.get(run.project) ?? 1, ...needsOf(step) }
}

function needsOf({ resources: { cpus, gpus, memoryBytes = 0 } }: PlanStep): Resources {
  return { cpus, gpus, memoryBytes }
}

/** Steps that hold room on an executor, those of runs that are being cancelled too. */
async function occupantsOf(
  kernel: Kernel,
  executor: string,
  runs: readonly RunGlance[],
  steps: ReadonlyMap<string, readonly StepGlance[]>,
): Promise<Occupant[]> {
  const occupants: Occupant[] = []
  for (const run of runs) {
    const running = (steps.get(run.id) ?? []).filter(({ state }) => state === 'running')
    if (running.length === 0) continue
    const plan = await kernel.planStepsOf(run.id)
    for (const { key } of running) {
      const step = plan.get(key)
      if (step?.runsOn !== executor) continue
      occupants.push({ id: `${run.id}/${key}`, project: run.project, ...needsOf(step) })
    }
  }
  return occupants
}

function neverRuns(message: string): AppError {
  return new AppError('INVALID_INPUT', message)
}
