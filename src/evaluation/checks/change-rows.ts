import type { Signature } from '../../core/bundle.ts'
import { AppError } from '../../core/errors.ts'
import { sqlName, sqlText } from '../../lib/open-analytics.ts'
import type { InputChange } from '../../pipeline/behaviour.ts'

export interface ChangedRows {
  /** The columns as SQL, some of them changed. */
  readonly columns: string
  /** A condition that holds for rows whose change is one: to the others nothing happens, and they prove nothing. */
  readonly isChanged: string
}

/** Rows with a number `__place`, changed. Fails with INVALID_INPUT for a column that is not there. */
export function changeRows(
  types: ReadonlyMap<string, string>,
  change: Readonly<Record<string, InputChange>>,
  { seed, signature }: { readonly seed: number; readonly signature: Signature },
): ChangedRows {
  const missing = Object.keys(change).find((column) => !types.has(column))
  if (missing !== undefined)
    throw new AppError('INVALID_INPUT', `it changes "${missing}", which is no column of the rows`)
  const isFraction = new Set(fractionColumns(signature))
  const after = (column: string, type: string): string | undefined => {
    const how = change[column]
    const own = isFraction.has(column) && /INT/.test(type) ? 'DOUBLE' : roomy(type)
    return how === undefined ? undefined : `(${changed(column, how, seed)})::${own}`
  }
  const columns = [...types].map(([column, type]) => ({ name: sqlName(column), made: after(column, type) }))
  return {
    columns: columns.map(({ name, made }) => (made === undefined ? name : `${made} as ${name}`)).join(', '),
    isChanged: columns
      .flatMap(({ name, made }) => (made === undefined ? [] : [`${made} is distinct from ${name}`]))
      .join(' or '),
  }
}

/** Where whole numbers in the table become fractions for the model, a small change is one too. */
function fractionColumns({ inputs, columns }: Signature): string[] {
  return inputs.filter(({ datatype }) => /^(FP|BF)/.test(datatype)).flatMap(({ name }) => columns[name] ?? [])
}

/** As many decimals as the file's own numbers had are too few for others. */
export function roomy(type: string): string {
  return type.startsWith('DECIMAL') ? 'DOUBLE' : type
}

function changed(column: string, change: InputChange, seed: number): string {
  const name = sqlName(column)
  switch (change.kind) {
    case 'set':
      return scalar(change.value)
    case 'add':
      return `${name} + ${change.value}`
    case 'scale':
      return `${name} * ${change.value}`
    case 'replace':
      return `replace(${name}::varchar, ${sqlText(change.from)}, ${sqlText(change.to)})`
    case 'noise':
      return `${name} + ${change.sd} * ${normal(column, seed)}`
  }
}

/** Of the row and the seed alone (Box and Muller), so that a failing example is the same tomorrow. */
function normal(column: string, seed: number): string {
  const uniform = (which: string): string =>
    `((hash(__place::varchar || ${sqlText(`/${which}/${seed}/${column}`)}) % 1000000007)::double + 0.5) / 1000000007`
  return `(sqrt(-2 * ln(${uniform('r')})) * cos(2 * pi() * ${uniform('a')}))`
}

export function scalar(value: string | number | boolean | null): string {
  if (value === null) return 'null'
  return typeof value === 'string' ? sqlText(value) : String(value)
}
