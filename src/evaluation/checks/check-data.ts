import type { ColumnRule, DataSpec } from '../../pipeline/checks.ts'
import { queryRows, sqlName, sqlText, type DuckDBConnection } from '../../lib/open-analytics.ts'
import type { GateVerdict } from '../decide-gate.ts'
import type { CheckPlace } from './check-place.ts'
import { isNumeric, viewTable, withTables } from './open-dataset.ts'

/** A rule that does not hold. */
interface Breach {
  readonly column: string
  readonly rule: string
  readonly rows: number
  readonly example?: string
}

/** Rules are conditions over rows, counted in one pass over a column. */
export function checkData(gate: DataSpec, { context }: CheckPlace): Promise<GateVerdict> {
  return withTables(context, async (connection) => {
    const types = await viewTable(connection, context, gate.dataset, 'checked')
    const rows = await count(connection, 'select count(*) from checked')
    const breaches: Breach[] = []
    for (const [column, rule] of Object.entries(gate.columns)) {
      context.signal.throwIfAborted()
      const type = types.get(column)
      if (type === undefined) breaches.push({ column, rule: 'is there', rows })
      else breaches.push(...(await checkColumn(connection, column, type, rule, rows)))
    }
    if (gate.minRows !== undefined && rows < gate.minRows) {
      breaches.push({ column: '', rule: `${gate.minRows} rows at least`, rows })
    }
    if (gate.duplicates !== undefined) {
      const twice = rows - (await count(connection, 'select count(*) from (select distinct * from checked)'))
      if (twice > gate.duplicates * rows)
        breaches.push({ column: '', rule: `at most ${percent(gate.duplicates)} of the rows twice`, rows: twice })
    }
    const evidence = {
      dataset: gate.dataset,
      rows,
      columns: Object.keys(gate.columns).length,
      breaches: breaches.slice(0, 100),
    }
    if (breaches.length > 0) return { outcome: 'fail', summary: tell(gate.dataset, breaches), evidence }
    if (rows === 0) return { outcome: 'inconclusive', summary: `${gate.dataset} has no rows`, evidence }
    return { outcome: 'pass', summary: `${gate.dataset}: all rules hold for ${rows} rows`, evidence }
  })
}

async function checkColumn(
  connection: DuckDBConnection,
  column: string,
  type: string,
  rule: ColumnRule,
  rows: number,
): Promise<Breach[]> {
  const name = sqlName(column)
  const isMissing = isNumeric(type) ? `(${name} is null or isnan(try_cast(${name} as double)))` : `${name} is null`
  const number = `try_cast(${name} as double)`
  const conditions: [rule: string, breaks: string, allowed: number][] = []
  const broken = brokenType(rule.type, type, name)
  if (broken !== undefined) conditions.push([`is ${rule.type ?? ''}, not ${type}`, `not ${isMissing} and ${broken}`, 0])
  if (rule.min !== undefined)
    conditions.push([`at least ${rule.min}`, `not ${isMissing} and (${number} is null or ${number} < ${rule.min})`, 0])
  if (rule.max !== undefined)
    conditions.push([`at most ${rule.max}`, `not ${isMissing} and (${number} is null or ${number} > ${rule.max})`, 0])
  if (rule.nulls !== undefined)
    conditions.push([`at most ${percent(rule.nulls)} without a value`, isMissing, rule.nulls * rows])
  if (rule.values !== undefined) {
    const told = `one of ${rule.values.slice(0, 8).join(', ')}`
    conditions.push([told, `not ${isMissing} and not ${isAmong(name, type, rule.values)}`, 0])
  }
  const breaches: Breach[] = []
  if (conditions.length > 0) {
    const counted = conditions.map(
      ([, breaks], i) =>
        `count(*) filter (where ${breaks})::double as n${i}, (any_value(${name}) filter (where ${breaks}))::varchar as e${i}`,
    )
    const [row = {}] = await queryRows(connection, `select ${counted.join(', ')} from checked`)
    for (const [i, [told, , allowed]] of conditions.entries()) {
      const wrong = Number(row[`n${i}`] ?? 0)
      const example = row[`e${i}`]
      if (wrong > allowed)
        breaches.push({
          column,
          rule: told,
          rows: wrong,
          ...(typeof example === 'string' ? { example: example.slice(0, 100) } : {}),
        })
    }
  }
  if (rule.unique === true) {
    const twice = await count(
      connection,
      `select count(${name}) - count(distinct ${name}) from checked where not ${isMissing}`,
    )
    if (twice > 0) breaches.push({ column, rule: 'unique', rows: twice })
  }
  return breaches
}

/** A table of floats writes 1 as 1.0: numbers are compared as numbers. */
function isAmong(name: string, type: string, values: readonly string[]): string {
  const texts = `${name}::varchar in (${values.map(sqlText).join(', ')})`
  const numbers = values.filter((value) => value.trim() !== '').map(Number)
  const finite = isNumeric(type) ? numbers.filter((number) => Number.isFinite(number)) : []
  return finite.length === 0 ? texts : `(${texts} or try_cast(${name} as double) in (${finite.join(', ')}))`
}

/** What is not of the wanted type, or undefined where the column's own type says that all are. */
function brokenType(wanted: ColumnRule['type'], type: string, name: string): string | undefined {
  if (wanted === undefined) return undefined
  if (wanted === 'number') return isNumeric(type) ? undefined : `try_cast(${name} as double) is null`
  if (wanted === 'boolean')
    return type === 'BOOLEAN' ? undefined : `lower(${name}::varchar) not in ('true', 'false', '0', '1')`
  if (wanted === 'text') return type === 'VARCHAR' ? undefined : 'true'
  return /INT/.test(type)
    ? undefined
    : `(try_cast(${name} as double) is null or try_cast(${name} as double) <> floor(try_cast(${name} as double)))`
}

export async function count(connection: DuckDBConnection, sql: string): Promise<number> {
  const [row] = await queryRows(connection, `select (${sql})::double as n`)
  return Number(row?.['n'] ?? 0)
}

function tell(dataset: string, breaches: readonly Breach[]): string {
  const told = breaches.slice(0, 4).map(({ column, rule, rows, example }) => {
    const own = example === undefined ? '' : `, ${JSON.stringify(example)} for one`
    if (rule === 'is there') return `there is no column "${column}"`
    return column === ''
      ? `${rule} wanted, and it has ${rows}`
      : `${column}: ${rule} wanted, and ${rows} ${rows === 1 ? 'row is' : 'rows are'} not${own}`
  })
  return `${dataset}: ${told.join('; ')}${breaches.length > 4 ? ` and ${breaches.length - 4} more` : ''}`
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`
}
