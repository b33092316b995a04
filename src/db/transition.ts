import type { Compilable, Updateable } from 'kysely'
import { AppError } from '../core/errors.ts'
import { isListenedTo } from '../core/points.ts'
import { sourcesOf, type Transitions } from '../core/transitions.ts'
import { nameMove } from './moves.ts'
import type { Writer } from './open-database.ts'
import { preparedFor } from './prepared.ts'
import type { Tables } from './tables.ts'

/** Tables whose rows have a state of a table in `core/`. */
type StatefulTable =
  | 'dataset_versions'
  | 'runs'
  | 'steps'
  | 'attempts'
  | 'deployments'
  | 'acceptance_sessions'
  | 'alerts'

export interface Move<Table extends StatefulTable> {
  readonly table: Table
  readonly transitions: Transitions<Tables[Table]['state']>
  readonly event: string
  readonly where: Partial<Tables[Table]>
  /** Columns that change with the state. */
  readonly set?: Updateable<Tables[Table]>
}

/**
 * Moves one row by its state table, in one guarded statement per target state: `update … where key and
 * state in (sources) returning *`. Answers the row as it is now, or undefined when its state does not
 * allow the event: somebody else moved it, or it has ended.
 */
export async function tryTransition<Table extends StatefulTable>(
  writer: Writer,
  move: Move<Table>,
): Promise<Tables[Table] | undefined> {
  const before = isListenedTo() ? await stateOf(writer, move) : ''
  for (const [to, from] of byTarget(move)) {
    const set = Object.entries({ ...move.set, state: to }).filter(([, value]) => value !== undefined)
    const where = Object.entries(move.where)
    const shape = JSON.stringify([move.table, set.map(nameOf), from.length, where.map(nameOf)])
    const [row] = await updateRow(writer, shape, [...set.map(valueOf), ...from, ...where.map(valueOf)])
    if (row === undefined) continue
    nameMove(writer, { table: move.table, from: before, event: move.event, subject: subjectOf(move) })
    return row as Tables[Table]
  }
  return undefined
}

const nameOf = ([name]: [string, unknown]) => name
const valueOf = ([, value]: [string, unknown]) => value

/** The builder cannot follow a table name that is a type parameter; the shapes are those of `Move`. */
const updateRow = preparedFor<string, unknown>((writer, shape, values) => {
  const [table, set, sources, where] = JSON.parse(shape) as [string, string[], number, string[]]
  let query = (writer as never as LooseWriter)
    .updateTable(table)
    .set(Object.fromEntries(set.map((column, at) => [column, values[at]])))
    .where('state', 'in', values.slice(set.length, set.length + sources))
  for (const [at, column] of where.entries()) query = query.where(column, '=', values[set.length + sources + at])
  return query.returningAll()
})

/** As `tryTransition`, but a row that does not move is a STATE_CONFLICT, said with `what`. */
export async function transition<Table extends StatefulTable>(
  writer: Writer,
  move: Move<Table>,
  what: string,
): Promise<Tables[Table]> {
  const row = await tryTransition(writer, move)
  if (row !== undefined) return row
  const allowed = [...sourcesOf(move.transitions, move.event).keys()].join(', ')
  throw new AppError('STATE_CONFLICT', `${what} cannot ${move.event} now: it must be ${allowed}. Look at it again.`, {
    event: move.event,
  })
}

function byTarget<Table extends StatefulTable>(move: Move<Table>): Map<string, string[]> {
  const targets = new Map<string, string[]>()
  for (const [from, to] of sourcesOf(move.transitions, move.event)) targets.set(to, [...(targets.get(to) ?? []), from])
  if (targets.size === 0) throw new Error(`${move.table} has no event ${move.event}`)
  return targets
}

/** Only points are told by the state a row came from: the guarded statement itself does not know. */
async function stateOf<Table extends StatefulTable>(writer: Writer, { table, where }: Move<Table>): Promise<string> {
  let query = (writer as never as LooseWriter).selectFrom(table).select('state')
  for (const [column, value] of Object.entries(where)) query = query.where(column, '=', value)
  return String((await query.executeTakeFirst())?.state)
}

function subjectOf<Table extends StatefulTable>({ where }: Move<Table>): string {
  return Object.values(where).join('/')
}

interface LooseWriter {
  selectFrom(table: string): { select(column: string): LooseSelect }
  updateTable(table: string): { set(values: object): LooseUpdate }
}

interface LooseSelect {
  where(column: string, operator: string, value: unknown): LooseSelect
  executeTakeFirst(): Promise<{ state: unknown } | undefined>
}

interface LooseUpdate {
  where(column: string, operator: string, value: unknown): LooseUpdate
  returningAll(): Compilable
}
