import { counted } from '../lib/counted.ts'
import { describeColumns, queryRows, type DuckDBConnection } from '../lib/open-analytics.ts'
import { columnText, ROW } from './read-table.ts'

export interface MatchedTables {
  /** The column of both. */
  readonly id: string
  /** Paths of the tables `truth` and `answers`, as people know them. */
  readonly truth: string
  readonly answers: string
}

/** Why rows and answers do not belong together one by one, all of it at once; undefined: they do. */
export async function mismatch(
  connection: DuckDBConnection,
  { id, truth, answers }: MatchedTables,
): Promise<string | undefined> {
  for (const table of ['truth', 'answers']) {
    await connection.run(
      `create temp table ${table}_ids as
      select ${columnText(id)} as id, count(*) as n, min("${ROW}") as first from ${table} group by 1`,
    )
  }
  const alone = (table: string, other: string): string =>
    `select id, first, 1 as n from ${table}_ids where id is not null and id not in (select id from ${other}_ids where id is not null)`
  const found = [
    await find(connection, nameless('truth'), (n) => `${counted(n, 'row')} of ${truth} without ${id}`),
    await find(connection, nameless('answers'), (n) => `${counted(n, 'row')} of ${answers} without ${id}`),
    await find(connection, again('truth'), (n) => `${counted(n, 'id')} more than once in ${truth}`),
    await find(connection, again('answers'), (n) => `${counted(n, 'id')} more than once in ${answers}`),
    await find(connection, alone('truth', 'answers'), (n) => `${counted(n, 'row')} without an answer`),
    await find(connection, alone('answers', 'truth'), (n) => `${counted(n, 'answer')} to no row`),
  ].filter((one) => one !== undefined)
  if (found.length === 0) return undefined
  return `${answers} does not answer each row of ${truth} once, by ${id}${await typesOf(connection, id)}: ${found.join('; ')}`
}

function nameless(table: string): string {
  return `select null as id, first, n from ${table}_ids where id is null`
}

function again(table: string): string {
  return `select id, first, 1 as n from ${table}_ids where n > 1 and id is not null`
}

const SHOWN = 3
const SHOWN_TEXT = 40

/** How many there are, and the first of them in their file's order. */
async function find(
  connection: DuckDBConnection,
  query: string,
  tell: (n: number) => string,
): Promise<string | undefined> {
  const rows = await queryRows(
    connection,
    `select id, (sum(n) over ())::double as n from (${query}) order by first limit ${SHOWN}`,
  )
  if (rows.length === 0) return undefined
  const n = Number(rows[0]?.['n'])
  const examples = rows.flatMap(({ id }) => (typeof id === 'string' ? [JSON.stringify(id.slice(0, SHOWN_TEXT))] : []))
  const more = n > examples.length ? ', …' : ''
  return examples.length === 0 ? tell(n) : `${tell(n)} (${examples.join(', ')}${more})`
}

/** 7 and 7.0 are two ids: pandas makes one of the other where a value is missing. */
async function typesOf(connection: DuckDBConnection, id: string): Promise<string> {
  const typeIn = async (table: string) => (await describeColumns(connection, table)).get(id) ?? ''
  const [there, here] = [await typeIn('truth'), await typeIn('answers')]
  return there === here ? '' : ` (${there} there, ${here} here)`
}
