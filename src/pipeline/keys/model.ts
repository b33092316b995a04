import { z } from 'zod'
import type { ModelSpec } from '../pipeline.ts'
import { defined, FilePath, PositiveDuration, refuse, Text } from './scalars.ts'
import { limit } from '../../core/limits.ts'

const MOST_COLUMNS = 10_000

/** `p0..p63` stands for 64 columns. */
function expandColumns(entries: readonly string[]): string[] | undefined {
  const columns: string[] = []
  for (const entry of entries) {
    const range = /^(.*?)(\d+)\.\.(.*?)(\d+)$/.exec(entry)
    if (range === null) {
      columns.push(entry)
      continue
    }
    const [, prefix = '', from = '', secondPrefix = '', to = ''] = range
    if (prefix !== secondPrefix || Number(from) > Number(to)) return undefined
    if (Number(to) - Number(from) > MOST_COLUMNS) return undefined
    // `p00..p15` keeps its zeros.
    const width = from.startsWith('0') && from.length > 1 ? from.length : 0
    for (let index = Number(from); index <= Number(to); index++)
      columns.push(prefix + String(index).padStart(width, '0'))
  }
  return columns.length <= MOST_COLUMNS ? columns : undefined
}

const Columns = z
  .array(Text.max(300, 'that name is too long'), { error: 'write a list of columns: [p0..p63]' })
  .min(1, 'write one column or more')
  .transform(
    (entries, context) =>
      expandColumns(entries) ?? refuse(context, `write ranges as p0..p63, of at most ${MOST_COLUMNS} columns`),
  )

const Ready = z.strictObject({
  http: Text.startsWith('/', 'write a path: /v2/health/ready').default('/v2/health/ready'),
  timeout: PositiveDuration.default(limit('hostStartMs')),
})

const Serve = z.strictObject({
  run: Text.describe('a program that speaks the Open Inference Protocol v2 on $PORT'),
  ready: Ready.default({ http: '/v2/health/ready', timeout: limit('hostStartMs') }),
})

/** `model:` */
export const Model = z
  .strictObject({
    path: FilePath.describe('the file or folder that is the model: an `out`, or a file of the repository'),
    predict: z
      .string()
      .regex(/^[\w./-]+\.py:[A-Za-z_]\w*$/, 'write a file and a class: "src/predict.py:Model"')
      .describe('a class with load(path) and predict(DataFrame), hosted in the build environment')
      .exactOptional(),
    serve: Serve.describe('any other program').exactOptional(),
    include: z.array(FilePath).describe('code that belongs to the model').default([]),
    inputs: z.record(Text, Columns).describe('which columns feed which input tensor').default({}),
    outputs: z
      .strictObject({
        prediction: Text.exactOptional(),
        scores: Text.exactOptional(),
        classes: z
          .array(z.union([z.string(), z.int().transform(String)]))
          .min(2)
          .exactOptional(),
      })
      .describe('which output tensors carry the prediction and the scores')
      .default({}),
    reference: FilePath.describe('what monitoring compares production with: a table').exactOptional(),
    card: FilePath.describe('the model card').exactOptional(),
  })
  .transform((raw, context): ModelSpec => {
    const { predict, serve, ...rest } = raw
    if (predict !== undefined && serve !== undefined) {
      return refuse(context, 'write `predict` or `serve`, not both', ['serve'])
    }
    const shared = defined(rest)
    if (predict !== undefined) {
      return { ...shared, include: withEntry(raw.include, predict), runtime: { kind: 'predict', entry: predict } }
    }
    if (serve !== undefined) {
      const { run, ready } = serve
      return { ...shared, runtime: { kind: 'serve', run, readyPath: ready.http, readyTimeoutMs: ready.timeout } }
    }
    if (!raw.path.endsWith('.onnx') && !raw.path.endsWith('/')) {
      return refuse(
        context,
        'only .onnx files and folders with an MLmodel file (`model/`) are served by themselves: add `predict` or `serve`',
        ['path'],
      )
    }
    return { ...shared, runtime: { kind: 'onnx' } }
  })

/** The class's own file always belongs to the model. */
function withEntry(include: readonly string[], predict: string): string[] {
  const file = predict.split(':', 1)[0] ?? predict
  const covered = include.some((path) => path === file || file.startsWith(`${path.replace(/\/+$/, '')}/`))
  return covered ? [...include] : [...include, file]
}
