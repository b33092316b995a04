import type { NumberRows } from './judged-rows.ts'

export function errorPerRow(
  { truth, predicted }: NumberRows,
  error: (truth: number, predicted: number) => number,
): Float64Array {
  const errors = new Float64Array(truth.length)
  for (let i = 0; i < errors.length; i++) errors[i] = error(truth[i]!, predicted[i]!)
  return errors
}
