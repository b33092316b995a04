import type { Need, PlanStep } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import { STEP_STAGES } from '../core/stages.ts'
import { askedOutcomes } from './asked-outcomes.ts'
import type { ProblemAt } from './check-pipeline.ts'
import type { Draft } from './draft.ts'
import { globPattern, isGlob } from './glob.ts'

/** Gives every draft what it waits for, in the order of stages. */
export function connectSteps(drafts: readonly Draft[]): PlanStep[] {
  const byName = new Map<string, Draft[]>()
  for (const draft of drafts) byName.set(draft.name, [...(byName.get(draft.name) ?? []), draft])
  const byKey = new Map(drafts.map((draft) => [draft.step.key, [draft]]))
  const connected = drafts.map((draft) => {
    const needs = new NeedList(draft.step.key)
    for (const { step, optional } of draft.needs) {
      // Our own steps are needed by key, those of the file by name: all members of a matrix.
      for (const other of byKey.get(step) ?? byName.get(step) ?? []) needs.add(other.step.key, optional, false)
    }
    for (const key of draft.step.uses) needs.add(key, false, false)
    for (const other of producersOf(draft, drafts)) needs.add(other.step.key, false, true)
    if (draft.waitsForStages)
      for (const other of drafts) if (isEarlier(other, draft)) needs.add(other.step.key, true, false)
    return { ...draft.step, needs: needs.list() }
  })
  return connected.sort((a, b) => STEP_STAGES.indexOf(a.stage) - STEP_STAGES.indexOf(b.stage))
}

function isEarlier(a: Draft, b: Draft): boolean {
  return STEP_STAGES.indexOf(a.step.stage) < STEP_STAGES.indexOf(b.step.stage)
}

/** One need for each step: required rather than optional, and data where any reason is data. */
class NeedList {
  readonly #own: string
  readonly #needs = new Map<string, Need>()

  constructor(own: string) {
    this.#own = own
  }

  add(step: string, optional: boolean, data: boolean): void {
    if (step === this.#own) return
    const known = this.#needs.get(step)
    this.#needs.set(step, {
      step,
      optional: optional && (known?.optional ?? true),
      data: data || (known?.data ?? false),
    })
  }

  list(): Need[] {
    return [...this.#needs.values()]
  }
}

/** The other steps whose outs this one reads. */
function producersOf(draft: Draft, drafts: readonly Draft[]): Draft[] {
  const reads = [...(draft.step.deps ?? []), ...draft.step.params.map(paramsFile)].map(readerOf)
  return drafts.filter(
    (other) =>
      other !== draft && isMeantFor(other, draft) && other.step.outs.some((out) => reads.some((read) => read(out))),
  )
}

/** Whether a step's outs are given to another. */
export function isMeantFor({ step }: Draft, other: Draft): boolean {
  return step.audience === undefined || step.audience.includes(other.step.key)
}

/** Whether a step may name it in `params`. */
export function isParamsFile(path: string): boolean {
  return /\.(json|ya?ml)$/.test(path)
}

export function paramsFile(param: string): string {
  return param.split(':', 1)[0] ?? param
}

export function trimSlash(path: string): string {
  return path.replace(/\/+$/, '')
}

/**
 * Whether a dep reads an out: the same path, a part of an out that is a folder, or a folder that holds
 * the out. A glob reads outs only where it begins with a folder's name: `**` is about the commit.
 */
export function readerOf(dep: string): (out: string) => boolean {
  const path = trimSlash(dep)
  if (path === '' || path === '.') return () => false
  if (!isGlob(dep)) {
    return (given) => {
      const out = trimSlash(given)
      return out === path || out.startsWith(`${path}/`) || path.startsWith(`${out}/`)
    }
  }
  const base = path.split('/').slice(0, path.split('/').findIndex(isGlob)).join('/')
  if (base === '') return () => false
  const pattern = globPattern(dep)
  return (given) => {
    const out = trimSlash(given)
    return pattern.test(out) || `${base}/`.startsWith(`${out}/`) || (out.startsWith(`${base}/`) && given.endsWith('/'))
  }
}

/** Steps that wait for one another, named as a chain; one problem for each separate circle. */
export function findCycles(steps: readonly PlanStep[], drafts: readonly Draft[], problemAt: ProblemAt): Problem[] {
  const byKey = new Map(steps.map((step) => [step.key, step]))
  const draftOf = new Map(drafts.map((draft) => [draft.step.key, draft]))
  const done = new Set<string>()
  const problems: Problem[] = []
  for (const step of steps) {
    const cycle = done.has(step.key) ? undefined : cycleFrom(step.key, byKey, done)
    if (cycle === undefined) continue
    const [first = step.key] = cycle.map(({ key }) => key).filter((key) => draftOf.get(key)?.ours === false)
    const chain = cycle.map(({ key, why }) => `${key} ${why}`).join(', ')
    problems.push(
      problemAt(draftOf.get(first)?.path ?? [], `these steps wait for one another: ${chain}`, { at: 'key' }),
    )
  }
  return problems
}

/** Each need beside the outcomes that the step's `if` asks for: what a run waits for before it decides about the step. */
export function withAsked(steps: readonly PlanStep[]): PlanStep[] {
  const asked = askedOutcomes(steps)
  return steps.map((step) => {
    const asks = (asked.get(step.key) ?? []).map((key): Wait => ({
      step: key,
      optional: true,
      data: false,
      asked: true,
    }))
    return asks.length === 0 ? step : { ...step, needs: [...step.needs, ...asks] }
  })
}

type Wait = Need & { readonly asked?: true }

interface Link {
  readonly key: string
  readonly why: string
}

/** Depth first with a stack of its own: plans are longer than the engine's stack is deep. */
function cycleFrom(start: string, byKey: ReadonlyMap<string, PlanStep>, done: Set<string>): Link[] | undefined {
  const trail: { key: string; next: number }[] = [{ key: start, next: 0 }]
  const onTrail = new Set([start])
  for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
    const need = byKey.get(top.key)?.needs[top.next++]
    if (need === undefined) {
      trail.pop()
      onTrail.delete(top.key)
      done.add(top.key)
    } else if (onTrail.has(need.step)) {
      for (const { key } of trail) done.add(key)
      const circle = trail.slice(trail.findIndex(({ key }) => key === need.step))
      return circle.map(({ key, next }) => ({ key, why: explain(byKey.get(key)?.needs[next - 1]) }))
    } else if (!done.has(need.step)) {
      trail.push({ key: need.step, next: 0 })
      onTrail.add(need.step)
    }
  }
  return undefined
}

function explain(need: Wait | undefined): string {
  if (need === undefined) return ''
  if (need.asked === true) return `asks in its \`if\` how ${need.step} ended`
  if (need.data) return `reads what ${need.step} makes`
  return need.optional ? `waits for ${need.step} of an earlier stage` : `needs ${need.step}`
}
