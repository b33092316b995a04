import { AppError, isAppError } from '../core/errors.ts'
import { sqlName } from '../lib/open-analytics.ts'
import type { Answers } from './answers.ts'
import type { Asked } from './ask-both.ts'
import { PREDICTION, SCORE } from './answer-columns.ts'
import type { EvaluateInput, EvaluationPlace } from './evaluation-place.ts'
import { truthPath, type HeldOutTable } from './held-out-table.ts'
import { readCodes, readDoubles, readNumbers } from './read-columns.ts'
import { readKeptAnswers } from './read-kept-answers.ts'
import { requireColumn } from './read-table.ts'

/**
 * Where only the author's own code can predict: its file has the answers in the column `prediction`, and the
 * scores, where there are some, in a column `score_<class>` for each class. The champion's are those that its own
 * run's code wrote into such a file, if it answered the same rows.
 */
export async function readAuthor(place: EvaluationPlace, table: HeldOutTable, notes: string[]): Promise<Asked> {
  const { input } = place
  const { source } = input.evaluation
  requireColumn(table.columns, PREDICTION, source.path, 'the answers')
  notes.push(whoseLabels(input))
  const candidate = { ...(await readAnswers(place, table)), ...(await readOwn(place, table)) }
  if (input.champion === undefined) return { candidate }
  const { answers: digest } = input.champion
  if (digest === undefined) return { candidate, championFailed: NOT_KEPT }
  try {
    return { candidate, champion: await readKeptAnswers(place, table, digest) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { candidate, championFailed: error.message }
  }
}

function whoseLabels({ evaluation, labelsAreHidden }: EvaluateInput): string {
  const answers = "the answers come from a file of the commit's own code, not from the model's host"
  const path = truthPath(evaluation)
  if (path === evaluation.source.path) return `labels supplied by the author: ${answers}`
  return `${answers}; the labels are those of ${path}, ${labelsAreHidden ? 'which no step sees' : 'which steps may see'}`
}

/** Beside labels of another file an answer is found by the row it is joined to. */
function answersPath({ evaluation }: EvaluateInput): string {
  const { path } = evaluation.source
  const truth = truthPath(evaluation)
  return truth === path ? path : `${path}, by the rows of ${truth}`
}

const NOT_KEPT = "no answers of its own run's code are kept with it, and only that code could give them"

/** The numbers of each metric of the author's own. */
async function readOwn({ input, connection }: EvaluationPlace, { rows }: HeldOutTable): Promise<Pick<Answers, 'own'>> {
  const { metrics } = input.evaluation
  if (metrics === undefined) return {}
  const own: [string, Float64Array][] = []
  for (const [name, { column }] of Object.entries(metrics)) {
    own.push([name, await readNumbers(connection, column, answersPath(input), rows)])
  }
  return { own: Object.fromEntries(own) }
}

async function readAnswers({ input, connection }: EvaluationPlace, { rows, columns }: HeldOutTable): Promise<Answers> {
  const { source, task } = input.evaluation
  const path = answersPath(input)
  if (task === 'regression') {
    return { kind: 'numbers', predicted: await readNumbers(connection, PREDICTION, path, rows) }
  }
  const predicted = await readCodes(connection, PREDICTION, path, rows)
  const named = columns.filter((column) => column.startsWith(SCORE))
  if (named.length === 1)
    throw new AppError(
      'INVALID_INPUT',
      `${source.path} has a score of one class only: write a column ${SCORE}<class> for each.`,
    )
  const scores = new Float64Array(rows * named.length)
  for (const [k, column] of named.entries()) {
    const score = `coalesce(try_cast(${sqlName(column)} as double), 'nan'::double)`
    await readDoubles(connection, score, { into: scores, first: k, step: named.length })
  }
  const names = named.map((column) => column.slice(SCORE.length))
  return { kind: 'classes', predicted, scores, width: named.length, ...(names.length === 0 ? {} : { names }) }
}
