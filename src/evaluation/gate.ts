import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import { isCheck } from '../pipeline/checks.ts'
import type { EvaluationSpec, GateSpec } from '../pipeline/pipeline.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import type { EvaluatedModel, OpenHost } from './ask-model.ts'
import { runCheck } from './checks/run-check.ts'
import { decideGate, type GateEvidence, type GateVerdict } from './decide-gate.ts'
import type { EvaluationResult, RowOutcomes } from './evaluation-result.ts'
import { makeReport, type Report } from './report/make-report.ts'
import type { RunFacts } from './report/report-facts.ts'
import { readOutcomes } from './outcomes-file.ts'
import { ownExamples } from './own-examples.ts'

export type GateInput = TaskInputs['gate'] & {
  /** `project#12`, for the sentence that says how to go on. */
  readonly run: string
  /** Absent: the file has no `evaluation`. */
  readonly evaluation?: EvaluationResult
  readonly waivers: readonly Waiver[]
  /** What checks look into; absent: no bundle was made. */
  readonly candidate?: EvaluatedModel
  /** Of the run, for the report. */
  readonly facts?: RunFacts
  /** As the file says it. */
  readonly rows?: EvaluationSpec
}

export interface GateDeps {
  /** For tests of behaviour: the candidate in a host of its own. */
  readonly openHost: OpenHost
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
  readonly result?: { readonly gates: readonly GateDecision[]; readonly report?: Report }
}

/** Decides every gate; one that fails, or is inconclusive and not waived, stops the run. */
export function createGateTask(deps: GateDeps): Task<GateInput, GateOutput> {
  return {
    name: 'gate',
    async run(input, context) {
      try {
        const outcomes = await outcomesOf(input, context)
        const gates: GateDecision[] = []
        for (const spec of input.gates) {
          const gate = waived(spec, await decide(spec, input, outcomes, deps, context), input.waivers)
          context.log(`${gate.outcome}: ${gate.title}: ${gate.summary}`)
          gates.push(gate)
        }
        const report = await reportOn(input, gates, context)
        const result = { gates, ...(report === undefined ? {} : { report }) }
        const failure = stopsRun(gates, input.run)
        return failure === undefined ? { result } : { result, failure: { reason: 'refused', message: failure } }
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function reportOn(
  { facts, evaluation, candidate }: GateInput,
  gates: readonly GateDecision[],
  context: TaskContext,
): Promise<Report | undefined> {
  if (facts === undefined) return undefined
  const made = { run: facts, gates, ...(evaluation === undefined ? {} : { evaluation }) }
  return makeReport(candidate === undefined ? made : { ...made, candidate }, context)
}

async function outcomesOf({ evaluation }: GateInput, { artifacts }: TaskContext): Promise<RowOutcomes | undefined> {
  if (evaluation === undefined) return undefined
  return readOutcomes(await artifacts.read(evaluation.outcomes.digest))
}

async function decide(
  spec: GateSpec,
  { evaluation, candidate, rows }: GateInput,
  outcomes: RowOutcomes | undefined,
  { openHost }: GateDeps,
  context: TaskContext,
): Promise<GateVerdict> {
  const evidence = evaluation === undefined || outcomes === undefined ? {} : { result: evaluation, outcomes }
  if (!isCheck(spec)) return withExamples(spec, decideGate(spec, evidence), evidence)
  const model = candidate === undefined ? {} : { candidate }
  return runCheck(spec, {
    ...evidence,
    ...model,
    ...(rows === undefined ? {} : { evaluation: rows }),
    openHost,
    context,
  })
}

/** Behind a comparison stand the rows whose answers, or own numbers, changed most. */
function withExamples(spec: GateSpec, verdict: GateVerdict, { result, outcomes }: GateEvidence): GateVerdict {
  if (spec.kind !== 'champion' || outcomes === undefined || result?.evidence?.compared !== 'changed') return verdict
  const examples = ownExamples(spec.metric, outcomes) ?? result.evidence.examples
  return { ...verdict, evidence: { ...verdict.evidence, examples } }
}

/** A waiver covers doubt only: a gate that fails cannot be waived away. */
function waived(spec: GateSpec, verdict: GateVerdict, waivers: readonly Waiver[]): GateDecision {
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
