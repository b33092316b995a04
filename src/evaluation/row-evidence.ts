import { join } from 'node:path'
import { queryRows, sqlName, tableReader, type DuckDBConnection } from '../lib/open-analytics.ts'
import { driftDistances } from '../statistics/drift-distance.ts'
import type { Signature } from '../core/bundle.ts'
import { isPandasIndex } from '../core/map-columns.ts'
import { notFeatures } from './held-out-table.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import { ROW } from './read-table.ts'

/** What a person looks at behind the numbers: bounded, whatever the rows. */
export interface RowEvidence {
  /** With a champion the rows whose answer changed most; without, those the candidate is furthest off at. */
  readonly examples: readonly ExampleRow[]
  readonly compared: 'changed' | 'wrong'
  /** Of columns that fill inputs, those that differ most from the reference, the furthest first. */
  readonly shift: readonly ColumnShift[]
  /** Only with scores. */
  readonly reliability?: {
    readonly candidate: readonly ReliabilityBin[]
    readonly champion?: readonly ReliabilityBin[]
  }
}

export interface ExampleRow {
  /** Of the held-out rows, from 1. */
  readonly row: number
  readonly id?: string
  readonly inputs: Readonly<Record<string, string>>
  readonly label: string
  readonly candidate: string
  readonly champion?: string
  /** How far the two answers (the answer and the label) are apart: of scores half the moved share, 0 to 1. */
  readonly distance: number
}

export interface ColumnShift {
  readonly column: string
  /** Total variation: the share of rows that would have to move, 0 to 1. */
  readonly distance: number
  readonly bins: readonly { readonly name: string; readonly reference: number; readonly heldOut: number }[]
}

/** Rows whose highest score is in the bin: how sure the model was, and how often it was right. */
export interface ReliabilityBin {
  readonly rows: number
  readonly confidence: number
  readonly accuracy: number
}

const MOST_EXAMPLES = 10
const MOST_INPUTS = 12
const MOST_TEXT = 80

export async function gatherEvidence(place: EvaluationPlace, outcomes: RowOutcomes): Promise<RowEvidence> {
  const { signature } = place.input.candidate.manifest
  const features = await featuresOf(place, signature)
  const reliability = reliabilityOf(outcomes, outcomes.candidate)
  const champion = outcomes.champion && reliabilityOf(outcomes, outcomes.champion)
  return {
    examples: await examplesOf(place.connection, outcomes, features),
    compared: outcomes.champion === undefined ? 'wrong' : 'changed',
    shift: await shiftOf(place, features),
    ...(reliability === undefined
      ? {}
      : { reliability: { candidate: reliability, ...(champion === undefined ? {} : { champion }) } }),
  }
}

/** Columns that fill inputs: as the bundle says, else those named like one, else all that are about the row itself. */
async function featuresOf(
  { connection, input }: EvaluationPlace,
  { columns, inputs }: Signature,
): Promise<readonly string[]> {
  const known = Object.values(columns).flat()
  if (known.length > 0) return known
  const named = await existing(
    connection,
    inputs.map(({ name }) => name),
  )
  if (named.length > 0) return named
  const others = new Set(notFeatures({ input }))
  const rows = await queryRows(connection, 'describe held_out')
  return rows
    .map((row) => String(row['column_name']))
    .filter((column) => column !== ROW && !others.has(column) && !isPandasIndex(column))
}

async function examplesOf(
  connection: DuckDBConnection,
  outcomes: RowOutcomes,
  features: readonly string[],
): Promise<ExampleRow[]> {
  const furthest = largest(distances(outcomes))
  if (furthest.length === 0) return []
  const inputs = await inputsOf(
    connection,
    features,
    furthest.map(({ row }) => row + 1),
  )
  return furthest.map(({ row, distance }) => ({
    ...exampleOf(outcomes, row, distance),
    inputs: inputs.get(row + 1) ?? {},
  }))
}

/** Still without its inputs, which only the table has. */
export function exampleOf(outcomes: RowOutcomes, row: number, distance: number): ExampleRow {
  return {
    row: row + 1,
    ...(outcomes.ids === undefined ? {} : { id: (outcomes.ids[row] ?? '').slice(0, MOST_TEXT) }),
    inputs: {},
    label: nameOf(outcomes, outcomes.truth[row] ?? Number.NaN),
    candidate: answerOf(outcomes, outcomes.candidate, row),
    ...(outcomes.champion === undefined ? {} : { champion: answerOf(outcomes, outcomes.champion, row) }),
    distance,
  }
}

/** Of the candidate's answer from the champion's, or where there is none from the truth. */
function distances({ task, classes = [], truth, candidate, champion }: RowOutcomes): Float64Array {
  const found = new Float64Array(truth.length)
  const width = classes.length
  for (let row = 0; row < found.length; row++) {
    const other = champion === undefined ? truth[row]! : champion.predicted[row]!
    if (task === 'regression') found[row] = Math.abs(candidate.predicted[row]! - other)
    else if (candidate.scores === undefined) found[row] = Number(candidate.predicted[row] !== other)
    else if (champion === undefined) found[row] = 1 - candidate.scores[row * width + other]!
    else found[row] = moved(candidate, champion, row, width)
  }
  return found
}

function moved(one: ModelOutcomes, other: ModelOutcomes, row: number, width: number): number {
  if (one.scores === undefined || other.scores === undefined) return Number(one.predicted[row] !== other.predicted[row])
  let sum = 0
  for (let k = 0; k < width; k++) sum += Math.abs(one.scores[row * width + k]! - other.scores[row * width + k]!)
  return sum / 2
}

/** In one pass: rows may be millions. */
export function largest(values: Float64Array): { row: number; distance: number }[] {
  const kept: { row: number; distance: number }[] = []
  for (let row = 0; row < values.length; row++) {
    const distance = values[row]!
    if (!(distance > 0) || (kept.length === MOST_EXAMPLES && distance <= kept.at(-1)!.distance)) continue
    const place = kept.findIndex((other) => other.distance < distance)
    kept.splice(place === -1 ? kept.length : place, 0, { row, distance })
    if (kept.length > MOST_EXAMPLES) kept.pop()
  }
  return kept
}

function nameOf({ task, classes }: RowOutcomes, value: number): string {
  return task === 'regression'
    ? String(Number(value.toPrecision(6)))
    : (classes?.[value] ?? String(value)).slice(0, MOST_TEXT)
}

function answerOf(outcomes: RowOutcomes, model: ModelOutcomes, row: number): string {
  const predicted = model.predicted[row] ?? Number.NaN
  const score = model.scores?.[row * (outcomes.classes?.length ?? 0) + predicted]
  const name = nameOf(outcomes, predicted)
  return score === undefined || Number.isNaN(score) ? name : `${name} (${score.toFixed(2)})`
}

async function inputsOf(
  connection: DuckDBConnection,
  features: readonly string[],
  rows: readonly number[],
): Promise<Map<number, Record<string, string>>> {
  const columns = await existing(connection, features.slice(0, MOST_INPUTS))
  const named = columns.map((column, i) => `left(${sqlName(column)}::varchar, ${MOST_TEXT}) as c${i}`)
  const selected = [`${sqlName(ROW)}::double as place`, ...named].join(', ')
  const found = await queryRows(
    connection,
    `select ${selected} from held_out where ${sqlName(ROW)} in (${rows.join(', ')})`,
  )
  return new Map(
    found.map((row) => [
      Number(row['place']),
      Object.fromEntries(
        columns.map((column, i) => [column, typeof row[`c${i}`] === 'string' ? (row[`c${i}`] as string) : '']),
      ),
    ]),
  )
}

async function existing(connection: DuckDBConnection, columns: readonly string[]): Promise<string[]> {
  const rows = await queryRows(connection, 'describe held_out')
  const known = new Set(rows.map((row) => row['column_name']))
  return columns.filter((column) => known.has(column))
}

const BINS = 10

function reliabilityOf(
  { task, classes = [], truth }: RowOutcomes,
  { predicted, scores }: ModelOutcomes,
): ReliabilityBin[] | undefined {
  if (task === 'regression' || scores === undefined) return undefined
  const sums = Array.from({ length: BINS }, () => ({ rows: 0, confidence: 0, right: 0 }))
  for (let row = 0; row < truth.length; row++) {
    const score = scores[row * classes.length + predicted[row]!]!
    if (!(score >= 0 && score <= 1)) continue
    const bin = sums[Math.min(BINS - 1, Math.floor(score * BINS))]!
    bin.rows += 1
    bin.confidence += score
    bin.right += Number(predicted[row] === truth[row])
  }
  return sums.map(({ rows, confidence, right }) => ({
    rows,
    confidence: rows === 0 ? 0 : confidence / rows,
    accuracy: rows === 0 ? 0 : right / rows,
  }))
}

const MOST_COLUMNS = 64
const MOST_SHOWN = 12

async function shiftOf(place: EvaluationPlace, features: readonly string[]): Promise<ColumnShift[]> {
  const { input, context, connection } = place
  const { reference } = input.candidate.manifest
  if (reference === undefined) return []
  const file = join(context.workspace, `.tidegate-reference-${reference.path.split('/').at(-1) ?? ''}`)
  await context.artifacts.restore(reference, file)
  const reader = tableReader(file)
  if (reader === undefined) return []
  await connection.run(`create or replace temp view reference as select * from ${reader}`)
  const types = new Map(
    (await queryRows(connection, 'describe reference')).map((row) => [
      String(row['column_name']),
      String(row['column_type']),
    ]),
  )
  const columns = (await existing(connection, features)).filter((column) => types.has(column)).slice(0, MOST_COLUMNS)
  const shifts: ColumnShift[] = []
  for (const column of columns) shifts.push(await shiftOfColumn(connection, column, types.get(column) ?? ''))
  return shifts.toSorted((a, b) => b.distance - a.distance).slice(0, MOST_SHOWN)
}

/** Numbers in the reference's tenths; anything else by its eight most frequent values. */
async function shiftOfColumn(connection: DuckDBConnection, column: string, type: string): Promise<ColumnShift> {
  const isNumber = /INT|FLOAT|DOUBLE|DECIMAL|REAL/.test(type)
  const name = sqlName(column)
  const bin = isNumber ? await tenths(connection, name) : await frequent(connection, name)
  const counts = await queryRows(
    connection,
    `select coalesce(a.bin, b.bin) as bin, coalesce(a.n, 0)::double as reference, coalesce(b.n, 0)::double as held
    from (select ${bin.sql} as bin, count(*) as n from reference group by bin) a
    full join (select ${bin.sql} as bin, count(*) as n from held_out group by bin) b on a.bin = b.bin order by bin`,
  )
  const bins = counts.map((row) => ({
    name: bin.names[Number(row['bin'])] ?? '',
    reference: Number(row['reference']),
    heldOut: Number(row['held']),
  }))
  const { totalVariation } = driftDistances(
    bins.map(({ reference }) => reference),
    bins.map(({ heldOut }) => heldOut),
  )
  return { column, distance: Number.isFinite(totalVariation) ? totalVariation : 0, bins }
}

interface Bins {
  /** The place in `names`. */
  readonly sql: string
  readonly names: readonly string[]
}

async function tenths(connection: DuckDBConnection, name: string): Promise<Bins> {
  const number = `try_cast(${name} as double)`
  const parts = Array.from({ length: BINS - 1 }, (_, i) => (i + 1) / BINS)
  const [row] = await queryRows(
    connection,
    `select quantile_disc(${number}, [${parts.join(', ')}]) as edges from reference where not isnan(${number})`,
  )
  const found = row?.['edges'] as { items?: readonly number[] } | readonly number[] | null | undefined
  const items = Array.isArray(found)
    ? (found as readonly number[])
    : ((found as { items?: readonly number[] } | null)?.items ?? [])
  const edges = [...new Set(items)].toSorted((a, b) => a - b)
  const cases = edges.map((edge, i) => `when ${number} <= ${edge} then ${i}`).join(' ')
  const told = (value: number | undefined): string => String(Number((value ?? 0).toPrecision(4)))
  return {
    sql: `(case when ${number} is null or isnan(${number}) then ${edges.length + 1} ${cases} else ${edges.length} end)`,
    names: [
      ...edges.map((edge, i) => (i === 0 ? `≤ ${told(edge)}` : `${told(edges[i - 1])} to ${told(edge)}`)),
      `> ${told(edges.at(-1))}`,
      'none',
    ],
  }
}

async function frequent(connection: DuckDBConnection, name: string): Promise<Bins> {
  const rows = await queryRows(
    connection,
    `select ${name}::varchar as value from reference where ${name} is not null group by value order by count(*) desc, value limit 8`,
  )
  const values = rows.map((row) => row['value'] as string)
  const cases = values.map((value, i) => `when ${name}::varchar = '${value.replaceAll("'", "''")}' then ${i}`).join(' ')
  const others = values.length
  return {
    sql: `(case when ${name} is null then ${others + 1} ${cases} else ${others} end)`,
    names: [...values.map((value) => value.slice(0, 40)), 'others', 'none'],
  }
}
