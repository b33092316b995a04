import { z } from 'zod'
import type { CheckSpec } from '../checks.ts'
import { Count, defined, FilePath, Name, refuse, Share, Text } from './scalars.ts'

type Unnamed = CheckSpec extends infer C ? (C extends unknown ? Omit<C, 'name'> : never) : never

const PACKAGE = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/

const UnsafePickle = z
  .strictObject({
    check: z.literal('unsafe-pickle').describe('a model file that could run other code on load is refused'),
    allow: z
      .array(z.string().regex(PACKAGE, 'write packages: [sklearn, numpy]'))
      .describe('packages whose code pickles may name')
      .default([]),
  })
  .transform(({ allow }): Unnamed => ({ kind: 'unsafe-pickle', allow }))

const Fairness = z
  .strictObject({
    check: z.literal('fairness').describe('the metric may not differ between the values of a column'),
    metric: Name.describe('of the metrics'),
    between: Text.describe('the column'),
    'max-difference': z.number().min(0).describe('how much the metric may differ, in its own unit'),
    'min-rows': Count.describe('values with fewer rows are not judged').default(50),
    confidence: z.number().gt(0.5).lt(1).describe('of the comparison').default(0.95),
  })
  .transform((raw): Unnamed => ({
    kind: 'fairness',
    metric: raw.metric,
    between: raw.between,
    maxDifference: raw['max-difference'],
    minRows: raw['min-rows'],
    confidence: raw.confidence,
  }))

const Behaviour = z
  .strictObject({
    check: z.literal('behaviour').describe('tests of what the model answers when its input changes'),
    file: FilePath.refine((path) => /\.ya?ml$/.test(path), 'write a YAML file: tests/behaviour.yaml').describe(
      'the tests',
    ),
  })
  .transform(({ file }): Unnamed => ({ kind: 'behaviour', file }))

const ColumnRule = z
  .strictObject({
    type: z.enum(['number', 'integer', 'text', 'boolean']).exactOptional(),
    min: z.number().exactOptional(),
    max: z.number().exactOptional(),
    nulls: Share.describe('of the rows that may have no value').exactOptional(),
    unique: z.boolean().describe('no value stands there twice').exactOptional(),
    values: z
      .array(z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]))
      .min(1)
      .max(1_000)
      .describe('the only ones there may be')
      .exactOptional(),
  })
  .transform((raw, context) => {
    if (Object.keys(raw).length === 0) return refuse(context, 'say what the column must be: { type: number, min: 0 }')
    if (raw.min !== undefined && raw.max !== undefined && raw.min > raw.max) {
      return refuse(context, '`min` is larger than `max`', ['max'])
    }
    return raw
  })

const Data = z
  .strictObject({
    check: z.literal('data').describe('what must be true of a table'),
    dataset: FilePath.describe('an `out`, a dataset, or a file of the repository'),
    columns: z.record(Text, ColumnRule).describe('what must be true of which column').default({}),
    'min-rows': Count.describe('so many rows at least').exactOptional(),
    duplicates: Share.describe('of the rows that may stand there more than once').exactOptional(),
  })
  .transform((raw, context): Unnamed => {
    const { dataset, columns, duplicates } = raw
    const spec = { kind: 'data' as const, dataset, columns, ...defined({ duplicates, minRows: raw['min-rows'] }) }
    const says = Object.keys(columns).length > 0 || duplicates !== undefined || spec.minRows !== undefined
    return says ? spec : refuse(context, 'say what must be true: `columns`, `min-rows` or `duplicates`')
  })

const Leakage = z
  .strictObject({
    check: z.literal('leakage').describe('rows, or the label, that training must not have known'),
    train: FilePath.describe('the rows it was trained on'),
    test: FilePath.describe('the rows it is evaluated on'),
    by: z.array(Text).min(1).describe('columns that say which rows are the same; default: all').exactOptional(),
    label: Text.describe('default: the evaluation’s').exactOptional(),
    'max-overlap': Share.describe('of the test rows that may be in train').default(0),
  })
  .transform((raw): Unnamed => ({
    kind: 'leakage',
    train: raw.train,
    test: raw.test,
    maxOverlap: raw['max-overlap'],
    ...defined({ by: raw.by, label: raw.label }),
  }))

const MEMBERS = [UnsafePickle, Fairness, Behaviour, Data, Leakage] as const

/** An entry of `gates:` that says `check`, still without its name. */
export const Check = z.union(MEMBERS)

/** For the sentence that says what can be written. */
export const CHECKS = ['unsafe-pickle', 'fairness', 'behaviour', 'data', 'leakage'] as const

/** `data/train.parquet` → `train` */
function baseName(path: string): string {
  const last = path.split('/').findLast((part) => part !== '') ?? path
  return last.replace(/\.\w+$/, '').replaceAll(/[^A-Za-z0-9_-]+/g, '-')
}

export function checkName(check: Unnamed): string {
  switch (check.kind) {
    case 'size':
      return 'model-size'
    case 'fairness':
      return `fairness-${check.metric}-${check.between}`.replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    case 'data':
      return `data-${baseName(check.dataset)}`
    default:
      return check.kind
  }
}
