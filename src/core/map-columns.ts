import { AppError } from './errors.ts'
import type { AnswerSpec, TensorSpec } from './bundle.ts'

export interface ColumnQuestion {
  readonly inputs: readonly TensorSpec[]
  /** As `model.inputs` says. */
  readonly given: Readonly<Record<string, readonly string[]>>
  /** Of the table rows come from, in order; absent: unknown. */
  readonly table?: readonly string[]
  /** Columns of the table that are no features: the label, the id. */
  readonly notFeatures: readonly string[]
}

/**
 * Which columns fill which input tensor: as the file says; else an input named like a column; else, for a
 * model with one input, all columns that are features, in the table's order. Tensors for which nothing is
 * known are left out. Fails with INVALID_INPUT where sizes do not agree or a column does not exist.
 */
export function mapColumns(question: ColumnQuestion): Record<string, readonly string[]> {
  const { inputs, given, table } = question
  const mapped: Record<string, readonly string[]> = {}
  for (const name of Object.keys(given)) {
    if (inputs.some((input) => input.name === name)) continue
    throw new AppError('INVALID_INPUT', `model.inputs names "${name}", but the model's inputs are ${list(inputs)}`)
  }
  for (const input of inputs) {
    const columns = given[input.name] ?? defaultColumns(input, question)
    if (columns === undefined) continue
    const missing = columns.find((column) => table !== undefined && !table.includes(column))
    if (missing !== undefined) {
      throw new AppError(
        'INVALID_INPUT',
        `model.inputs fills "${input.name}" from column "${missing}", which the table does not have`,
      )
    }
    checkSize(input, columns, given[input.name] !== undefined)
    mapped[input.name] = columns
  }
  return mapped
}

/** What pandas writes beside the columns when a table's index is not a plain count: it does not read it as a column. */
export function isPandasIndex(column: string): boolean {
  return /^__index_level_\d+__$/.test(column)
}

function defaultColumns(
  input: TensorSpec,
  { inputs, table, notFeatures }: ColumnQuestion,
): readonly string[] | undefined {
  if (table === undefined) return undefined
  if (table.includes(input.name)) return [input.name]
  if (inputs.length === 1) return table.filter((column) => !notFeatures.includes(column) && !isPandasIndex(column))
  throw new AppError(
    'INVALID_INPUT',
    `no column is called "${input.name}", as an input of the model is: say in model.inputs which columns fill it`,
  )
}

function checkSize(input: TensorSpec, columns: readonly string[], isGiven: boolean): void {
  const size = valuesPerRow(input)
  if (size === undefined ? columns.length > 0 : size === columns.length) return
  const source = isGiven
    ? `model.inputs gives it ${columns.length}`
    : `the table has ${columns.length} columns that could fill it`
  const fix = isGiven ? 'Correct the list' : `Name them: model: { inputs: { ${input.name}: [...] } }`
  throw new AppError(
    'INVALID_INPUT',
    `input "${input.name}" takes ${size ?? 'some'} values a row, but ${source}. ${fix}.`,
  )
}

/** How many numbers of one row fill the tensor: all dimensions but the first; undefined where one is free. */
function valuesPerRow({ shape }: TensorSpec): number | undefined {
  const rest = shape.slice(1)
  return rest.some((size) => size < 0) ? undefined : rest.reduce((product, size) => product * size, 1)
}

/** Names that exporters give their outputs; taken where the file names none. */
const USUAL_PREDICTIONS = ['prediction', 'label', 'output_label', 'variable', 'predictions', 'output']
const USUAL_SCORES = ['probabilities', 'output_probability', 'scores', 'probability']

/** Which outputs carry the answer. Fails with INVALID_INPUT for a name the model does not have. */
export function chooseAnswer(
  outputs: readonly TensorSpec[],
  given: { readonly prediction?: string; readonly scores?: string; readonly classes?: readonly string[] },
): AnswerSpec {
  for (const name of [given.prediction, given.scores]) {
    if (name === undefined || outputs.length === 0 || outputs.some((output) => output.name === name)) continue
    throw new AppError('INVALID_INPUT', `model.outputs names "${name}", but the model's outputs are ${list(outputs)}`)
  }
  const has = (name: string): boolean => outputs.some((output) => output.name === name)
  const prediction = given.prediction ?? USUAL_PREDICTIONS.find(has) ?? outputs[0]?.name ?? 'prediction'
  const scores = given.scores ?? USUAL_SCORES.find((name) => name !== prediction && has(name))
  const classes = given.classes
  const width = outputs.find((output) => output.name === scores)?.shape.at(-1)
  if (classes !== undefined && width !== undefined && width > 1 && width !== classes.length) {
    throw new AppError(
      'INVALID_INPUT',
      `model.outputs.classes has ${classes.length} names, but "${scores}" has ${width} columns`,
    )
  }
  return { prediction, ...(scores === undefined ? {} : { scores }), ...(classes === undefined ? {} : { classes }) }
}

function list(tensors: readonly TensorSpec[]): string {
  return tensors.map(({ name }) => `"${name}"`).join(', ') || 'none'
}
