import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { GateSpec } from '../pipeline/pipeline.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { decideGate, type GateVerdict } from './decide-gate.ts'
import type { EvaluationResult, RowOutcomes } from './evaluation-result.ts'
import { readOutcomes } from './outcomes-file.ts'

export type GateInput = TaskInputs['gate'] & {
  /** `project#12`, for the sentence that says how to go on. */
  readonly run: string
  /** Absent: the file has no `evaluation`. */
  readonly evaluation?: EvaluationResult
  readonly waivers: readonly Waiver[]
}

/** A person's word that an inconclusive gate shall not stop this run. */
export interface Waiver {
  /** `GateSpec.name`. */
  readonly gate: string
  readonly person: string
  readonly reason: string
}

export interface GateDecision extends GateVerdict {
  /** `GateSpec.name`: what people waive. */
  readonly title: string
  readonly spec: GateSpec
  readonly waiver?: Waiver
}

export interface GateOutput extends TaskOutput {
  readonly result?: { readonly gates: readonly GateDecision[] }
}

/** Decides every gate; one that fails, or is inconclusive and not waived, stops the run. */
export function createGateTask(): Task<GateInput, GateOutput> {
  return {
    name: 'gate',
    async run(input, context) {
      try {
        const outcomes = await outcomesOf(input, context)
        const gates = input.gates.map((spec) => decide(spec, input, outcomes))
        for (const gate of gates) context.log(`${gate.outcome}: ${gate.title}: ${gate.summary}`)
        const failure = stopsRun(gates, input.run)
        return failure === undefined
          ? { result: { gates } }
          : { result: { gates }, failure: { reason: 'refused', message: failure } }
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function outcomesOf({ evaluation }: GateInput, { artifacts }: TaskContext): Promise<RowOutcomes | undefined> {
  if (evaluation === undefined) return undefined
  return readOutcomes(await artifacts.read(evaluation.outcomes.digest))
}

/** A waiver covers doubt only: a gate that fails cannot be waived away. */
function decide(spec: GateSpec, { evaluation, waivers }: GateInput, outcomes: RowOutcomes | undefined): GateDecision {
  const evidence = evaluation === undefined || outcomes === undefined ? {} : { result: evaluation, outcomes }
  const verdict = decideGate(spec, evidence)
  const waiver = waivers.find(({ gate }) => gate === spec.name)
  return {
    title: spec.name,
    spec,
    ...verdict,
    ...(verdict.outcome === 'inconclusive' && waiver !== undefined ? { waiver } : {}),
  }
}

function stopsRun(gates: readonly GateDecision[], run: string): string | undefined {
  const failed = gates.filter(({ outcome }) => outcome === 'fail')
  const open = gates.filter(({ outcome, waiver }) => outcome === 'inconclusive' && waiver === undefined)
  const sentences = [
    ...failed.map(({ title, summary }) => `gate ${title} failed: ${summary}.`),
    ...open.map(({ title, summary }) => `gate ${title} is inconclusive: ${summary}.`),
    ...(failed.length === 0 && open.length > 0 ? [howToWaive(open, run)] : []),
  ]
  return sentences.length === 0 ? undefined : sentences.join(' ')
}

function howToWaive(open: readonly GateDecision[], run: string): string {
  const commands = open.map(({ title }) => `tidegate waive ${run} ${title} --reason "…"`)
  return `A person with the right to may let it through: ${commands.join(' and ')}`
}
