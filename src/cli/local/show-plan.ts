import { STEP_STAGES } from '../../core/stages.ts'
import type { Need, PlanStep } from '../../core/plan.ts'
import type { ForeseenStep } from '../../engine/foresee-plan.ts'
import { nameOfKey, outcomesIn } from '../../pipeline/asked-outcomes.ts'

/** The plan by stage: each step, what becomes of it and why, and what it waits for. */
export function planText(steps: readonly ForeseenStep[]): string {
  const byKey = new Map(steps.map(({ step }) => [step.key, step]))
  const width = Math.max(...steps.map(({ step }) => step.key.length), 8)
  const blocks = STEP_STAGES.flatMap((stage) => {
    const own = steps.filter(({ step }) => step.stage === stage)
    return own.length === 0 ? [] : [stage, ...own.flatMap((each) => stepLines(each, byKey, width))]
  })
  return [...blocks, summary(steps)].join('\n')
}

const WORDS = { cached: 'cached', runs: 'runs', open: 'open', skipped: 'skipped', fails: 'fails' } as const

function stepLines({ step, fate, why }: ForeseenStep, byKey: ReadonlyMap<string, PlanStep>, width: number): string[] {
  const waits = waitsOf(step, byKey)
  const indent = ' '.repeat(width + 13)
  return [`  ${step.key.padEnd(width)}  ${WORDS[fate].padEnd(7)}  ${why}`, ...waits.map((wait) => `${indent}${wait}`)]
}

/** In words, what is waited for by reason; whole stages by their name. */
export function waitsOf(step: PlanStep, byKey: ReadonlyMap<string, PlanStep>): string[] {
  const stages = new Set<string>()
  const groups = { reads: [] as string[], 'runs in': [] as string[], after: [] as string[] }
  for (const need of step.needs) {
    const kind = reasonOf(step, need, byKey.get(need.step))
    if (kind === 'stage') stages.add(byKey.get(need.step)?.stage ?? '')
    else groups[kind].push(need.optional ? `${need.step} (optional)` : need.step)
  }
  const lines = Object.entries(groups).flatMap(([word, keys]) => (keys.length === 0 ? [] : [`${word} ${list(keys)}`]))
  const asked = new Set(outcomesIn(step.if))
  for (const need of step.needs) asked.delete(nameOfKey(need.step))
  if (asked.size > 0) lines.push(`asks how ${list([...asked])} ended`)
  return stages.size === 0 ? lines : [...lines, `after all of ${list([...stages])}`]
}

function reasonOf(step: PlanStep, need: Need, from: PlanStep | undefined): 'reads' | 'runs in' | 'after' | 'stage' {
  if (need.data) return 'reads'
  if (step.uses.includes(need.step)) return 'runs in'
  const isEarlier = from !== undefined && STEP_STAGES.indexOf(from.stage) < STEP_STAGES.indexOf(step.stage)
  return need.optional && isEarlier && step.work.kind === 'command' ? 'stage' : 'after'
}

function list(words: readonly string[]): string {
  return words.length > 6 ? `${words.slice(0, 5).join(', ')} and ${words.length - 5} more` : words.join(', ')
}

function summary(steps: readonly ForeseenStep[]): string {
  const count = (fate: ForeseenStep['fate']) => steps.filter((each) => each.fate === fate).length
  const open = count('open')
  const parts = [`${count('cached')} cached`, `${count('runs')} would run`]
  if (open > 0) parts.push(`${open} open until what they read is made`)
  if (count('skipped') > 0) parts.push(`${count('skipped')} would be skipped`)
  if (count('fails') > 0) parts.push(`${count('fails')} cannot start`)
  return `${parts.join(', ')}. Nothing was run.`
}

/** What `--json` prints of the plan. */
export function planJson(steps: readonly ForeseenStep[]) {
  return steps.map(({ step, fate, why }) => {
    const { key, stage, needs, uses, matrix, outs, deps } = step
    return {
      step: key,
      stage,
      kind: step.work.kind,
      fate,
      why,
      needs,
      uses,
      deps: deps ?? null,
      outs,
      matrix: matrix ?? null,
    }
  })
}
