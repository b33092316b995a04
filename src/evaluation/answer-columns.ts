import type { EvaluationSpec } from '../pipeline/pipeline.ts'

/** What an author's table calls its answers; the score of a class stands in `score_<class>`. */
export const PREDICTION = 'prediction'
export const SCORE = 'score_'

/** Whether the column of an author's table is an answer: a prediction, a score, or a number of a metric of its own. */
export function isAnswerColumn(column: string, metrics: EvaluationSpec['metrics'] = {}): boolean {
  return (
    column === PREDICTION ||
    column.startsWith(SCORE) ||
    Object.values(metrics).some((metric) => metric.column === column)
  )
}
