import type { EvaluationTask } from '../pipeline/pipeline.ts'
import { codeTexts, type Coded } from './coded-column.ts'
import type { RawAnswers } from './read-answers.ts'

/** A model's answers to all rows. */
export type Answers = {
  /** Per-row numbers of the author's own, by metric. */
  readonly own?: Readonly<Record<string, Float64Array>>
} & (
  | { readonly kind: 'numbers'; readonly predicted: Float64Array }
  | {
      readonly kind: 'classes'
      readonly predicted: Coded
      /** Row after row, `width` for each. */
      readonly scores: ArrayLike<number>
      readonly width: number
      /** The classes of the scores, in their order, where somebody named them. */
      readonly names?: readonly string[]
    }
)

export function answersOfHost(
  { predicted, scores, width }: RawAnswers,
  task: EvaluationTask,
  names: readonly string[] | undefined,
): Answers {
  if (task === 'regression') return { kind: 'numbers', predicted: Float64Array.from(predicted, Number) }
  return {
    kind: 'classes',
    predicted: codeTexts(predicted),
    scores,
    width,
    ...(names === undefined ? {} : { names }),
  }
}
