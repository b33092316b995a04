import type { Compilable, CompiledQuery, SqliteDatabase } from 'kysely'
import type { Reader } from './open-database.ts'

/** By the dialect's adapter, which transactions share with their database. */
const atOnce = new WeakMap<object, SqliteDatabase>()

/**
 * Prepared queries of this reader, and of transactions on it, are run on this connection without a detour: SQLite answers within
 * the call, and the builder's way to it, made for servers that answer later, takes several times as long.
 */
export function runAtOnce(reader: Pick<Reader, 'getExecutor'>, connection: SqliteDatabase): void {
  atOnce.set(reader.getExecutor().adapter, connection)
}

/**
 * A query that is built and compiled once, and then run with other values: building costs several times what SQLite takes for
 * a small statement. `build` gets stand-ins where the values will be, and may only pass them on, one by one (a list of
 * stand-ins where it needs as many as it has): what it builds must not depend on them. For queries that run for each step;
 * all others are clearer without.
 */
export function prepared<Values extends readonly unknown[], Row>(
  build: (reader: Reader, ...values: Values) => Compilable<Row>,
): (reader: Reader, ...values: Values) => Promise<Row[]> {
  /** By adapter: it says in which SQL. */
  const compiled = new WeakMap<object, CompiledQuery<Row>>()

  function compile(reader: Reader, count: number): CompiledQuery<Row> {
    const standIns = Array.from({ length: count }, (_, at) => new StandIn(at))
    return build(reader, ...(standIns as readonly unknown[] as Values)).compile()
  }

  return async (reader, ...values) => {
    const { adapter } = reader.getExecutor()
    const query = compiled.get(adapter) ?? compile(reader, values.length)
    compiled.set(adapter, query)
    const parameters = query.parameters.map((each) => (each instanceof StandIn ? values[each.at] : each))
    const connection = atOnce.get(adapter)
    if (connection === undefined) return (await reader.executeQuery<Row>({ ...query, parameters })).rows
    const statement = connection.prepare(query.sql)
    if (statement.reader) return statement.all(parameters) as Row[]
    statement.run(parameters)
    return []
  }
}

/** As `prepared`, once for each shape of what varies beside the values: which columns, or how many. */
export function preparedFor<Shape extends string | number, Row>(
  build: (reader: Reader, shape: Shape, values: readonly never[]) => Compilable<Row>,
): (reader: Reader, shape: Shape, values: readonly unknown[]) => Promise<Row[]> {
  const known = new Map<Shape, (reader: Reader, ...values: readonly unknown[]) => Promise<Row[]>>()
  return (reader, shape, values) => {
    const query =
      known.get(shape) ?? prepared<readonly unknown[], Row>((db, ...all) => build(db, shape, all as never[]))
    if (known.size < MOST_SHAPES) known.set(shape, query)
    return query(reader, ...values)
  }
}

const MOST_SHAPES = 500

class StandIn {
  readonly at: number
  constructor(at: number) {
    this.at = at
  }
}
