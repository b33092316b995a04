import type { Plan, PlanStep } from '../core/plan.ts'
import type { StepState } from '../core/run-state.ts'

/** Of matrices that fail fast: the first member that failed, by the matrix's name. */
export function brokenMatrices(plan: Plan, stateOf: (key: string) => StepState | undefined): Map<string, string> {
  const broken = new Map<string, string>()
  for (const { key, siblings } of plan.steps) {
    if (siblings?.failFast !== true || broken.has(siblings.of)) continue
    if (stateOf(key) === 'failed') broken.set(siblings.of, key)
  }
  return broken
}

/** Why a member of a matrix is not to go on, whatever its `if`; undefined: it is. */
export function culpritOf({ siblings }: PlanStep, broken: ReadonlyMap<string, string>): string | undefined {
  const culprit = siblings?.failFast === true ? broken.get(siblings.of) : undefined
  return culprit === undefined ? undefined : `${culprit} failed, and its matrix is fail-fast`
}

interface Member {
  readonly run: { readonly id: string }
  readonly step: PlanStep
}

interface StateOfStep {
  readonly key: string
  readonly state: StepState
}

/**
 * Holds members back that would make more of their matrix run at a time than `max-parallel` says. They go in the
 * plan's order: one that is being looked up keeps its place before those after it. One that was admitted runs,
 * whatever its row says yet.
 */
export function holdParallel<T extends Member>(
  candidates: readonly T[],
  steps: ReadonlyMap<string, readonly StateOfStep[]>,
  under: UnderWay,
): { free: T[]; held: { each: T; why: string }[] } {
  const free: T[] = []
  const held: { each: T; why: string }[] = []
  const lanes = new Map<string, Lane>()
  for (const each of candidates) {
    const { of, maxParallel } = each.step.siblings ?? {}
    if (of === undefined || maxParallel === undefined) {
      free.push(each)
      continue
    }
    const id = `${each.run.id}/${of}`
    const lane = lanes.get(id) ?? openLane(membersOf(of, steps.get(each.run.id) ?? []), each.run.id, under)
    lanes.set(id, lane)
    if (maxParallel - lane.taken > (lane.ahead.get(each.step.key) ?? 0)) free.push(each)
    else held.push({ each, why: `waits for max-parallel ${maxParallel} of matrix ${of}` })
    lane.taken += 1
  }
  return { free, held }
}

/** What is done beside the rows, by `project#12/step`. */
interface UnderWay {
  isResolving(id: string): boolean
  isBegun(id: string): boolean
}

/** Of one matrix: how many of its members run or were looked at before, and how many that are being looked up stand before each. */
interface Lane {
  taken: number
  readonly ahead: ReadonlyMap<string, number>
}

function openLane(members: readonly StateOfStep[], runId: string, under: UnderWay): Lane {
  const ahead = new Map<string, number>()
  let resolving = 0
  for (const { key } of members) {
    ahead.set(key, resolving)
    if (under.isResolving(`${runId}/${key}`)) resolving += 1
  }
  const runs = ({ key, state }: StateOfStep) => state === 'running' || under.isBegun(`${runId}/${key}`)
  return { taken: members.filter(runs).length, ahead }
}

/** No name of a step holds a space, so the prefix is the matrix's alone. */
function membersOf(of: string, steps: readonly StateOfStep[]): StateOfStep[] {
  return steps.filter(({ key }) => key.startsWith(`${of} (`))
}
