import type { LabelledWindow, Moments } from './monitor-performance.ts'
import { queryRows, type Analytics, type DuckDBConnection, type Row } from '../lib/open-analytics.ts'
import { extentOf, openWindow, type WindowQuestion } from './open-window.ts'

/** What was true, in the order it was told: of several for one row the last one holds. */
export interface LabelRow {
  readonly predictionId: string
  readonly row: number
  readonly label: string
}

export type Labels = Iterable<LabelRow> | AsyncIterable<LabelRow>

const NOTHING: LabelledWindow & { from: null; to: null } = {
  rows: 0,
  labelled: 0,
  correct: 0,
  numeric: { rows: 0, absolute: { mean: 0, variance: 0 }, squared: { mean: 0, variance: 0 } },
  from: null,
  to: null,
}

/**
 * Joins a window's answers with their labels. Rows without an answer (failed requests) are not counted.
 * A prediction is right when it is the label's text, or both are the same number: `7` and `7.0` agree.
 */
export async function joinLabels(
  analytics: Analytics,
  question: WindowQuestion,
  labels: Labels,
): Promise<LabelledWindow & { readonly from: number | null; readonly to: number | null }> {
  return analytics.use(async (connection) => {
    if ((await openWindow(connection, question)) === undefined) return NOTHING
    await loadLabels(connection, labels)
    const { from, to } = await extentOf(connection)
    const [row] = await queryRows(connection, JOINED)
    return { ...readJoined(row!), from, to }
  })
}

/** Makes the temporary table `labels`, with the last label of each row. */
async function loadLabels(connection: DuckDBConnection, labels: Labels): Promise<void> {
  await connection.run('create temp table told (told_id varchar, told_row integer, label varchar, position integer)')
  const appender = await connection.createAppender('told', null, 'temp')
  let position = 0
  for await (const { predictionId, row, label } of labels) {
    appender.appendVarchar(predictionId)
    appender.appendInteger(row)
    appender.appendVarchar(label)
    appender.appendInteger(position++)
    appender.endRow()
  }
  appender.closeSync()
  await connection.run(
    `create temp table labels as
     select told_id, told_row, arg_max(label, position) as label
     from told
     group by told_id, told_row`,
  )
}

// The bound keeps NaN and infinite errors out, whose variance DuckDB refuses.
const JOINED = `
  with answered as (
    select _prediction as prediction, labels.label as label,
      try_cast(_prediction as double) as predicted, try_cast(labels.label as double) as truth
    from recent
    left join labels on told_id = _id and told_row = _row
    where _prediction is not null
  ), judged as (
    select label, prediction = label or coalesce(predicted = truth, false) as is_correct,
      predicted - truth as error
    from answered
  )
  select count(*)::double as rows,
    count(label)::double as labelled,
    (count(*) filter (where is_correct))::double as correct,
    (count(*) filter (where abs(error) < 1e100))::double as numeric_rows,
    avg(abs(error)) filter (where abs(error) < 1e100) as absolute_mean,
    var_samp(abs(error)) filter (where abs(error) < 1e100) as absolute_variance,
    avg(error * error) filter (where abs(error) < 1e100) as squared_mean,
    var_samp(error * error) filter (where abs(error) < 1e100) as squared_variance
  from judged`

function readJoined(row: Row): LabelledWindow {
  const number = (name: string): number => Number(row[name] ?? 0)
  const moments = (name: string): Moments => ({ mean: number(`${name}_mean`), variance: number(`${name}_variance`) })
  return {
    rows: number('rows'),
    labelled: number('labelled'),
    correct: number('correct'),
    numeric: { rows: number('numeric_rows'), absolute: moments('absolute'), squared: moments('squared') },
  }
}
