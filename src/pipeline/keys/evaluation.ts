import { z } from 'zod'
import type { EvaluationSpec } from '../pipeline.ts'
import { defined, FilePath, refuse, Text } from './scalars.ts'

/** `evaluation:` */
export const Evaluation = z
  .strictObject({
    data: FilePath.describe('held-out rows: an `out`, a dataset, or a file of the repository').exactOptional(),
    predictions: FilePath.describe('instead of `data`: rows that your own code predicted').exactOptional(),
    task: z.enum(['classification', 'regression']).describe('what is predicted'),
    label: Text.describe('the column that holds the truth'),
    id: Text.describe('the column that pairs rows; default: the row number').exactOptional(),
    slices: z.array(Text).describe('columns whose values are looked at apart').default([]),
  })
  .transform((raw, context): EvaluationSpec => {
    const { data, predictions, ...rest } = raw
    const shared = defined(rest)
    if (data !== undefined && predictions !== undefined) {
      return refuse(context, 'write `data` or `predictions`, not both', ['predictions'])
    }
    if (data !== undefined) return { ...shared, source: { kind: 'data', path: data } }
    if (predictions !== undefined) return { ...shared, source: { kind: 'predictions', path: predictions } }
    return refuse(context, '`data` is missing: name the held-out rows')
  })
