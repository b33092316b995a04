import { AppError } from '../../core/errors.ts'
import { sqlName, sqlText } from '../../lib/open-analytics.ts'
import type { InputChange } from '../../pipeline/behaviour.ts'

/** `from`'s columns as SQL, some of them changed, each of the type it had. Fails with INVALID_INPUT for a column that is not there. */
export function changedColumns(
  types: ReadonlyMap<string, string>,
  change: Readonly<Record<string, InputChange>>,
  seed: number,
): string {
  const missing = Object.keys(change).find((column) => !types.has(column))
  if (missing !== undefined)
    throw new AppError('INVALID_INPUT', `it changes "${missing}", which is no column of the rows`)
  return [...types]
    .map(([column, type]) => {
      const how = change[column]
      return how === undefined
        ? sqlName(column)
        : `(${changed(column, how, seed)})::${roomy(type)} as ${sqlName(column)}`
    })
    .join(', ')
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
    `((hash(__tidegate_row::varchar || ${sqlText(`/${which}/${seed}/${column}`)}) % 1000000007)::double + 0.5) / 1000000007`
  return `(sqrt(-2 * ln(${uniform('r')})) * cos(2 * pi() * ${uniform('a')}))`
}

export function scalar(value: string | number | boolean | null): string {
  if (value === null) return 'null'
  return typeof value === 'string' ? sqlText(value) : String(value)
}
