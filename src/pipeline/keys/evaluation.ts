import { z } from 'zod'
import type { EvaluationSpec } from '../pipeline.ts'
import { sliceName } from '../slice-name.ts'
import { isMetric } from './metrics.ts'
import { defined, FilePath, Name, refuse, Text } from './scalars.ts'

const Slice = z.union([Text, z.tuple([Text, Text]).transform(sliceName)], {
  error: 'write a column, or two as [digit, ink]',
})

const ClassName = z
  .union([Text, z.number(), z.boolean()], { error: 'write the name of a class' })
  .transform((name) => String(name))

const OwnMetric = z.strictObject({
  column: Text.describe('of the rows that your code wrote: one number for each'),
  better: z.enum(['higher', 'lower']).describe('which numbers are good'),
})

/** `evaluation:` */
export const Evaluation = z
  .strictObject({
    data: FilePath.describe(
      'held-out rows: an `out`, a dataset, or a file of the repository; beside `predictions` it has their labels, and is joined by `id`',
    ).exactOptional(),
    predictions: FilePath.describe(
      'rows that your own code predicted; their labels stand beside them, or in `data`',
    ).exactOptional(),
    task: z.enum(['classification', 'regression']).describe('what is predicted'),
    label: Text.describe('the column that holds the truth'),
    id: Text.describe(
      'the column that pairs rows, and joins `predictions` with `data`; default: the row number',
    ).exactOptional(),
    unit: Text.describe(
      'the column that says which rows belong together, as a patient: units are resampled',
    ).exactOptional(),
    weight: Text.describe('the column that says how much a row counts; default: 1').exactOptional(),
    positive: ClassName.describe(
      'the class that matters: precision, recall, f1, auc and pr-auc are of it',
    ).exactOptional(),
    slices: z
      .array(Slice)
      .describe('columns whose values are looked at apart; of two, as `[digit, ink]`, every combination')
      .default([]),
    metrics: z
      .record(Name, OwnMetric)
      .describe('metrics of your own, with `predictions`: means of columns that your code wrote')
      .exactOptional(),
  })
  .transform((raw, context): EvaluationSpec => {
    const { data, predictions, ...rest } = raw
    const shared = defined(rest)
    const ownNames = Object.keys(shared.metrics ?? {})
    const taken = ownNames.find((name) => isMetric(name))
    if (taken !== undefined)
      return refuse(context, `"${taken}" is a metric that Tidegate computes: choose another name`, ['metrics', taken])
    const [own] = ownNames
    if (own !== undefined && predictions === undefined)
      return refuse(context, 'metrics of your own need `predictions`: only your code can write their column', [
        'metrics',
        own,
      ])
    if (shared.positive !== undefined && shared.task !== 'classification')
      return refuse(context, 'only a classification has a `positive` class', ['positive'])
    if (predictions !== undefined && isAnswer(shared.label))
      return refuse(context, `"${shared.label}" holds what was answered: the truth stands in another column`, ['label'])
    if (predictions !== undefined && data !== undefined && shared.id === undefined)
      return refuse(context, '`predictions` beside `data` are joined by `id`: name the column that both have', [
        'predictions',
      ])
    if (predictions !== undefined && predictions === data)
      return refuse(context, 'this is `data` itself: leave `data` out where answers and labels are one table', [
        'predictions',
      ])
    if (predictions !== undefined)
      return { ...shared, source: { kind: 'predictions', path: predictions, ...defined({ labels: data }) } }
    if (data !== undefined) return { ...shared, source: { kind: 'data', path: data } }
    return refuse(context, '`data` is missing: name the held-out rows')
  })

/** How a table of `predictions` names its columns. */
function isAnswer(column: string): boolean {
  return column === 'prediction' || column.startsWith('score_')
}
