import type { LeakageSpec } from '../../pipeline/checks.ts'
import { AppError } from '../../core/errors.ts'
import { queryRows, sqlName, type DuckDBConnection } from '../../lib/open-analytics.ts'
import type { GateVerdict } from '../decide-gate.ts'
import { percent } from '../gate-verdict.ts'
import { count } from './check-data.ts'
import type { CheckPlace } from './check-place.ts'
import { isNumeric, viewTable, withTables } from './open-dataset.ts'

const MOST_COLUMNS = 500
const SAMPLE = 100_000
/** What a single column may know of the label before it is named. */
const ALMOST_ALL = 0.995

/**
 * Rows that stand on both sides fail. A single column that almost gives the label away is named and left to a
 * person: it may be known at the time of a prediction, or only afterwards, and the numbers cannot tell.
 */
export function checkLeakage(gate: LeakageSpec, { context, evaluation }: CheckPlace): Promise<GateVerdict> {
  return withTables(context, async (connection) => {
    const train = await viewTable(connection, context, gate.train, 'train')
    const test = await viewTable(connection, context, gate.test, 'test')
    const label = gate.label ?? evaluation?.label
    const by = gate.by ?? [...test.keys()].filter((column) => train.has(column))
    if (by.length === 0) throw new AppError('INVALID_INPUT', `${gate.train} and ${gate.test} have no column in common`)
    for (const column of by) requireBoth(column, train, test, gate)
    const rows = await count(connection, 'select count(*) from test')
    const shared = await count(connection, `select count(*) from ${sharedRows(by)}`)
    const duplicates = await count(
      connection,
      `select count(*) - (select count(*) from (select distinct * from train)) from train`,
    )
    const telling =
      label === undefined || !train.has(label) ? [] : await tellingColumns(connection, train, label, new Set(gate.by))
    const examples = shared === 0 ? [] : await sharedExamples(connection, by)
    const evidence = {
      train: gate.train,
      test: gate.test,
      by,
      testRows: rows,
      shared,
      trainDuplicates: duplicates,
      telling,
      examples,
    }
    const of = gate.by === undefined ? 'whole rows' : by.join(', ')
    const overlap = `${shared === 0 ? 'no row' : `${shared} of ${rows} rows`} of ${gate.test} ${shared > 1 ? 'are' : 'is'} in ${gate.train}`
    const allowed = shared === 0 ? '' : ` (at most ${percent(gate.maxOverlap)} may be)`
    if (rows === 0) return { outcome: 'inconclusive', summary: `${gate.test} has no rows`, evidence }
    if (shared > gate.maxOverlap * rows) {
      return {
        outcome: 'fail',
        summary: `${overlap} too, by ${of}`,
        evidence,
      }
    }
    if (telling.length > 0) {
      const told = telling.slice(0, 3).map(({ column, share }) => `${column} (${(share * 100).toFixed(1)} %)`)
      return {
        outcome: 'inconclusive',
        summary: `one column alone tells ${label ?? 'the label'}: ${told.join(', ')}. Is it known when a prediction is asked for?`,
        evidence,
      }
    }
    return {
      outcome: 'pass',
      summary: `${overlap} by ${of}${allowed}, and no single column gives the label away (${duplicates} duplicates in ${gate.train})`,
      evidence,
    }
  })
}

function requireBoth(
  column: string,
  train: ReadonlyMap<string, string>,
  test: ReadonlyMap<string, string>,
  gate: LeakageSpec,
): void {
  for (const [columns, file] of [
    [train, gate.train],
    [test, gate.test],
  ] as const) {
    if (!columns.has(column)) throw new AppError('INVALID_INPUT', `${file} has no column "${column}" (gates: by)`)
  }
}

/**
 * Test rows that are in train. Two absent values are the same: rows of real data have them, and would else be
 * like no other. Rows that have nothing but absent values are nobody's.
 */
function sharedRows(by: readonly string[]): string {
  const names = by.map(sqlName)
  const isSame = names.map((name) => `test.${name} is not distinct from train.${name}`).join(' and ')
  return `test semi join train on ${isSame} where ${names.map((name) => `test.${name} is not null`).join(' or ')}`
}

async function sharedExamples(connection: DuckDBConnection, by: readonly string[]): Promise<string[]> {
  const text = `array_to_string([${by
    .slice(0, 8)
    .map((column) => `coalesce(test.${sqlName(column)}::varchar, '')`)
    .join(', ')}], ', ')`
  const found = await queryRows(
    connection,
    `select distinct left(${text}, 200) as row from ${sharedRows(by)} order by row limit 10`,
  )
  return found.map((row) => String(row['row']))
}

interface Telling {
  readonly column: string
  /** Of the rows whose label it tells, on a half it was not learned from. */
  readonly share: number
}

/**
 * Of each column: the label that is most frequent for a value (of numbers: for one of a hundred bins), learned
 * on one half of the rows and tried on the other, so that an id, unique in every row, tells nothing.
 */
async function tellingColumns(
  connection: DuckDBConnection,
  types: ReadonlyMap<string, string>,
  label: string,
  ids: ReadonlySet<string>,
): Promise<Telling[]> {
  const target = await targetOf(connection, types.get(label) ?? '', sqlName(label))
  await connection.run(`create or replace temp table sampled as
    select *, ${target} as __label, (row_number() over () % 2)::integer as __half
    from (select * from train where ${sqlName(label)} is not null using sample reservoir(${SAMPLE} rows) repeatable (1))`)
  const usual = await count(
    connection,
    'select max(n) / sum(n) from (select count(*)::double as n from sampled group by __label)',
  )
  const found: Telling[] = []
  const columns = [...types].filter(([column]) => column !== label && !ids.has(column)).slice(0, MOST_COLUMNS)
  for (const [column, type] of columns) {
    const share = await shareTold(connection, sqlName(column), type)
    // Where nearly all rows have one label, every column seems to know it.
    if (share >= ALMOST_ALL && share - usual > (1 - usual) / 2) found.push({ column, share })
  }
  return found.toSorted((a, b) => b.share - a.share).slice(0, 20)
}

/** Of a number with many values the tenth it is in. */
async function targetOf(connection: DuckDBConnection, type: string, label: string): Promise<string> {
  const values = await count(connection, `select approx_count_distinct(${label}) from train`)
  return isNumeric(type) && values > 20 ? `ntile(10) over (order by ${label})` : `${label}::varchar`
}

async function shareTold(connection: DuckDBConnection, column: string, type: string): Promise<number> {
  const values = await count(connection, `select approx_count_distinct(${column}) from sampled`)
  const bin = isNumeric(type) && values > 100 ? `ntile(100) over (order by ${column})` : `${column}::varchar`
  const [row] = await queryRows(
    connection,
    `with binned as (select __half, __label, ${bin} as bin from sampled),
      learned as (select bin, mode(__label) as told from binned where __half = 0 group by bin)
    select (count(*) filter (where told is not distinct from __label)) / nullif(count(*), 0)::double as share
    from binned left join learned on binned.bin is not distinct from learned.bin where __half = 1`,
  )
  return Number(row?.['share'] ?? 0)
}
