import type { Reader } from '../db/open-database.ts'
import type { GateSpec } from '../pipeline/pipeline.ts'
import { smallestMargin } from '../statistics/smallest-margin.ts'

type ChampionGate = Extract<GateSpec, { kind: 'champion' }>

/** What the rows of the last evaluation support: asked of a gate of the file as it is now. */
export type MarginEvidence = (gate: ChampionGate) => { readonly rows: number; readonly margin: number } | undefined

/** Of the run whose gates were decided last; undefined when none ever were. */
export async function lastMargins(reader: Reader, project?: string): Promise<MarginEvidence | undefined> {
  const last = await reader
    .selectFrom('gates')
    .select('run_id as run')
    // A run's id is its project's name and its number.
    .$if(project !== undefined, (query) => query.where('run_id', 'like', `${project}#%`))
    .orderBy('decided_at', 'desc')
    .orderBy('run_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (last === undefined) return undefined
  const gates = await reader
    .selectFrom('gates')
    .select(['title', 'spec', 'evidence'])
    .where('run_id', '=', last.run)
    .orderBy('position')
    .limit(200)
    .execute()
  return supportedBy(
    gates.map(({ title, spec, evidence }) => ({
      title,
      spec: JSON.parse(spec) as GateSpec,
      evidence: JSON.parse(evidence) as Evidence,
    })),
  )
}

type Evidence = Readonly<Record<string, unknown>>

interface Decided {
  readonly title: string
  readonly spec: GateSpec
  readonly evidence: Evidence
}

/**
 * A gate that was compared says it itself. Before there was a champion only the rows are known: then for accuracy
 * over plain rows, with two models that differ on as many rows as two versions of one model usually do.
 */
export function supportedBy(decided: readonly Decided[]): MarginEvidence {
  return (gate) => {
    const same = decided.find(({ spec }) => isSameComparison(gate, spec))
    const { rows, smallestMargin: margin } = same?.evidence ?? {}
    if (typeof rows === 'number' && typeof margin === 'number') return { rows, margin }
    const known = decided.map(({ spec, evidence }) => plainRows(spec, evidence)).find((count) => count !== undefined)
    if (known === undefined || gate.metric !== 'accuracy' || gate.slice !== undefined) return undefined
    return { rows: known, margin: smallestMargin({ rows: known, confidence: gate.confidence }) }
  }
}

function isSameComparison(gate: ChampionGate, spec: GateSpec): boolean {
  if (spec.kind !== 'champion' || spec.metric !== gate.metric) return false
  return spec.slice === undefined && gate.slice === undefined && spec.confidence === gate.confidence
}

/** Rows of a gate over all of them; none where units were drawn. */
function plainRows(spec: GateSpec, { rows, units }: Evidence): number | undefined {
  const isWhole = spec.kind === 'absolute' && spec.slice === undefined
  return isWhole && units === undefined && typeof rows === 'number' ? rows : undefined
}
