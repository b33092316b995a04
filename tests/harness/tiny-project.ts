import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MODELS } from '../serving/serving-place.ts'
import type { Files } from '../source/git-place.ts'

/** A committed model: `one` says 1 where c + d is more than a + b, `two` says the opposite. */
export function model(name: string): Uint8Array {
  return readFileSync(join(MODELS, `${name}.onnx`))
}

/** Rows that the model `one` answers rightly, but for the first `wrong` of them. */
export function heldOut(rows: number, wrong = 0): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const isOne = row % 2 === 1
    const label = isOne === row >= wrong ? 1 : 0
    return `${isOne ? '0,0,3,3' : '3,3,0,0'},${label}`
  })
  return ['a,b,c,d,y', ...lines, ''].join('\n')
}

export const EVALUATION = 'evaluation: { data: rows.csv, task: classification, label: y }\n'

/** A project that trains by copying a committed model: everything is real but the time it takes. */
export function tinyProject(more: { pipeline?: string; files?: Files } = {}): Files {
  return {
    'models/one.onnx': model('one'),
    'rows.csv': heldOut(60),
    'tidegate.yaml': more.pipeline ?? TINY,
    ...more.files,
  }
}

export const TINY = `model: { path: model.onnx }
${EVALUATION}gates: [{ metric: accuracy, min: 0.9 }]
steps:
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
`
