import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import type { Answers } from './answers.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import { MOST_NAMED_ROWS } from './gather-outcomes.ts'
import type { HeldOutTable } from './held-out-table.ts'
import { canonical } from './judge-answers.ts'
import { readOutcomes } from './outcomes-file.ts'
import { pairRows, type NamedRows } from './pair-rows.ts'
import { readText } from './read-table.ts'

/**
 * The champion's answers out of what its own run kept, in the order of the candidate's rows. Fails, saying why, when
 * those were not exactly the same rows with the same labels: fewer, more or others prove nothing.
 */
export async function readKeptAnswers(place: EvaluationPlace, table: HeldOutTable, digest: Digest): Promise<Answers> {
  const { id, metrics = {}, task } = place.input.evaluation
  if (id === undefined) throw refused('rows are paired by `evaluation.id`, which names no column')
  if (table.rows > MOST_NAMED_ROWS)
    throw refused(`rows are paired by their ids, and of more than ${MOST_NAMED_ROWS} none are kept`)
  const kept = readOutcomes(await place.context.artifacts.read(digest))
  if (kept.task !== task) throw refused(`its run evaluated a ${kept.task}`)
  const places = pairRows(await namedRows(place, table, id), keptRows(kept))
  if (typeof places === 'string') throw refused(places)
  const own = Object.entries(metrics).flatMap(([name, { column }]) => {
    const values = kept.ownColumns?.[name] === column ? kept.candidate.own?.[name] : undefined
    return values === undefined ? [] : [[name, pick(values, places)] as const]
  })
  return { ...answersOf(kept, kept.candidate, places), own: Object.fromEntries(own) }
}

async function namedRows({ connection }: EvaluationPlace, table: HeldOutTable, id: string): Promise<NamedRows> {
  const ids = (await readText(connection, id)).map((text) => text ?? '')
  const { truth } = table
  if (truth.kind === 'numbers') return { ids, labelOf: (row) => truth.numbers[row] }
  const names = truth.labels.values.map(canonical)
  return { ids, labelOf: (row) => names[truth.labels.of[row]!] }
}

function keptRows({ ids, truth, classes }: RowOutcomes): NamedRows {
  if (ids === undefined) throw refused('its run kept no ids of its rows to pair them by')
  return { ids, labelOf: (row) => (classes === undefined ? truth[row] : classes[truth[row]!]) }
}

function answersOf({ classes }: RowOutcomes, { predicted, scores }: ModelOutcomes, places: Uint32Array): Answers {
  if (classes === undefined) return { kind: 'numbers', predicted: pick(predicted, places) }
  const answers = { kind: 'classes', predicted: { values: classes, of: pick(predicted, places) } } as const
  if (scores === undefined) return { ...answers, scores: [], width: 0 }
  const width = classes.length
  return { ...answers, scores: pick(scores, places, width), width, names: classes }
}

function pick(values: ArrayLike<number>, places: Uint32Array, width = 1): Float64Array {
  const picked = new Float64Array(places.length * width)
  for (let i = 0; i < places.length; i++) {
    for (let k = 0; k < width; k++) picked[i * width + k] = values[places[i]! * width + k]!
  }
  return picked
}

function refused(why: string): AppError {
  return new AppError('INVALID_INPUT', `its answers cannot be paired with the candidate's: ${why}`)
}
