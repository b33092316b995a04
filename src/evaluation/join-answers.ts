import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { sqlName, type DuckDBConnection } from '../lib/open-analytics.ts'
import type { EvaluationSpec } from '../pipeline/pipeline.ts'
import { sliceColumns } from '../pipeline/slice-name.ts'
import { isAnswerColumn, PREDICTION } from './answer-columns.ts'
import { mismatch } from './match-ids.ts'
import { columnText, openTable, requireColumn, ROW, type OpenedTable } from './read-table.ts'

/** Rows with their truth in one file, and what somebody else's code answered to them in another. */
export interface JoinedFiles {
  readonly workspace: string
  /** Paths below the workspace. */
  readonly truth: string
  readonly answers: string
  readonly id: string
  readonly evaluation: EvaluationSpec
  /** All that are looked at. */
  readonly slices: readonly string[]
}

/**
 * Makes `held_out` of the rows of `truth` with the answers of `answers`, by id. Whoever wrote the answers says
 * nothing else of a row: label, unit, weight and slices are those of `truth`, whatever stands beside the answers.
 * Fails with INVALID_INPUT unless each row has exactly one answer and each answer its row.
 */
export async function joinAnswers(
  connection: DuckDBConnection,
  files: JoinedFiles,
  notes: string[],
): Promise<OpenedTable> {
  const { truth, answers, id } = files
  const rows = await open(connection, files, 'truth')
  const answered = await open(connection, files, 'answers')
  requireColumn(answered.columns, PREDICTION, answers, 'the answers')
  const wrong = await mismatch(connection, { id, truth, answers })
  if (wrong !== undefined) throw new AppError('INVALID_INPUT', `${wrong}. Write one answer for each row.`)
  const taken = answersIn(answered.columns, files)
  const kept = rowColumns(rows.columns, taken, files)
  notes.push(...aboutIgnored(answered.columns, files))
  const columns = [...kept.map((column) => `t.${sqlName(column)}`), ...taken.map((column) => `a.${sqlName(column)}`)]
  await connection.run(
    `create temp table held_out as select t."${ROW}", ${columns.join(', ')}
    from truth t join answers a on ${columnText(id, 't')} = ${columnText(id, 'a')}`,
  )
  return { columns: [...kept, ...taken], rows: rows.rows }
}

async function open(
  connection: DuckDBConnection,
  { workspace, id, ...paths }: JoinedFiles,
  table: 'truth' | 'answers',
): Promise<OpenedTable> {
  const path = paths[table]
  const opened = await openTable(connection, { file: join(workspace, path), name: path, isAnswered: true, table })
  requireColumn(opened.columns, id, path, 'evaluation.id')
  return opened
}

function answersIn(columns: readonly string[], { answers, evaluation }: JoinedFiles): string[] {
  for (const { column } of Object.values(evaluation.metrics ?? {}))
    requireColumn(columns, column, answers, 'evaluation.metrics')
  return columns.filter((column) => isAnswerColumn(column, evaluation.metrics))
}

/** Columns of the rows that are named as answers make way, unless they are what counts. */
function rowColumns(columns: readonly string[], taken: readonly string[], files: JoinedFiles): string[] {
  const clash = judging(files, columns).find((column) => isAmong(column, taken))
  if (clash !== undefined)
    throw new AppError(
      'INVALID_INPUT',
      `"${clash}" of ${files.truth} has the name of a column of answers in ${files.answers}: rename one of them.`,
    )
  return columns.filter((column) => !isAmong(column, taken))
}

function aboutIgnored(columns: readonly string[], files: JoinedFiles): string[] {
  const judged = judging(files, columns).filter((column) => column !== files.id)
  const ignored = columns.filter((column) => isAmong(column, judged))
  if (ignored.length === 0) return []
  return [`${ignored.join(', ')} of ${files.answers} is not looked at: what counts is what ${files.truth} says`]
}

/** What says how an answer counts. */
function judging({ evaluation, slices }: JoinedFiles, columns: readonly string[]): string[] {
  const { label, id, unit, weight } = evaluation
  const sliced = slices.flatMap((slice) => sliceColumns(slice, columns))
  return [label, id, unit, weight, ...sliced].filter((column) => column !== undefined)
}

/** Names are one to DuckDB however they are written. */
function isAmong(column: string, columns: readonly string[]): boolean {
  return columns.some((other) => other.toLowerCase() === column.toLowerCase())
}
