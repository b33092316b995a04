import { chmodSync, closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, PostgresDialect, SqliteDialect, sql, type SqliteDatabase, type Transaction } from 'kysely'
import { AppError } from '../core/errors.ts'
import { groupCommits, type Transact } from './group-commits.ts'
import { migrate, SCHEMA_VERSION } from './migrate.ts'
import { reachAround, withMoves } from './moves.ts'
import { openFileSync } from './sync-file.ts'
import { runAtOnce } from './prepared.ts'
import type { Tables } from './tables.ts'

export type Reader = Kysely<Tables>
export type Writer = Transaction<Tables>

/**
 * The one durable truth, on SQLite or Postgres. `write` runs one transaction; on SQLite they queue behind
 * one another, and those that wait together are committed together, so a transaction is short and never waits
 * for anything but the database. `write` answers when the disk has it. Inside it, use the
 * writer it is given: `read` is another connection and sees only what is committed.
 */
export interface Database extends AsyncDisposable {
  readonly kind: 'sqlite' | 'postgres'
  readonly read: Reader
  write<T>(work: (writer: Writer) => Promise<T>, options?: WriteOptions): Promise<T>
  /**
   * As `write`, and answers when readers see it: the disk has it when `durable` is fulfilled. For whoever has something to prepare
   * meanwhile; until then nothing may leave the machine, or begin, that a power cut would make unsaid.
   */
  writeAhead<T>(work: (writer: Writer) => Promise<T>, options?: WriteOptions): Promise<WrittenAhead<T>>
  /** Called after each `write` that committed, in this process, but for quiet ones. Returns how to stop. */
  onCommit(listener: () => void): () => void
  /**
   * As `onCommit`, and a moment earlier on SQLite: readers see it, and the disk may not have it yet. For whoever does
   * nothing outside the database before a write of its own, which waits for all before it.
   */
  onVisible(listener: () => void): () => void
}

export interface WrittenAhead<T> {
  readonly result: T
  /** Fulfilled when the disk has it. Rejected where the disk fails: then it does for every write after this one. */
  readonly durable: Promise<void>
}

export interface WriteOptions {
  /** Nobody waits for what changes: a cursor, a note of ours. Those who listen for commits are not woken. */
  readonly quiet?: boolean
  /** Whoever looks at what becomes visible is told by the writer itself: only those who listen for commits are woken. */
  readonly known?: boolean
}

/** `sqlite:<file>` or `postgres://…`. Opens, checks the schema's version, migrates. */
export async function openDatabase(url: string, schema = SCHEMA_VERSION): Promise<Database> {
  const opened = url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : await openPostgres(url)
  await migrate(opened, schema)
  return opened
}

/** Closed to all others before there is anything in it: SQLite gives its further files the same mode. */
function openSqlite(file: string): Database {
  refuseCutOff(file)
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const [writing, reading] = [connectSqlite(file), connectSqlite(file)]
  const connection = adapt(writing)
  const writer = kyselyOn(connection)
  const log = openFileSync(`${file}-wal`)
  // All that is done with it stands within a transaction, and the builder's own would only queue for it once more.
  const transact = groupCommits(writer as Writer, connection, () => log.sync())
  return database({ kind: 'sqlite', read: kyselyOn(readsOf(writing, reading)), writer, transact, log })
}

const PAGE_SIZE_AT = 16
const PAGES_AT = 28

/**
 * SQLite itself opens a file that was cut off, and finds out when it needs what is missing. Its head says how
 * long it is, unless there is a log that has not been taken over yet.
 */
function refuseCutOff(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const logged = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0 || logged > 0) return
  const head = Buffer.alloc(100)
  const handle = openSync(file, 'r')
  readSync(handle, head)
  closeSync(handle)
  const expected = (head.readUInt16BE(PAGE_SIZE_AT) || 1) * head.readUInt32BE(PAGES_AT)
  if (!head.toString('latin1').startsWith('SQLite format 3') || size >= expected) return
  throw new AppError(
    'DAMAGED',
    `The database file is damaged: ${file} has ${size} of ${expected} bytes. Keep it, and restore a backup.`,
  )
}

/**
 * State that was answered for must survive a power cut. `synchronous=full` would sync the log within `commit`, and the
 * whole process would stand still meanwhile (a millisecond, and ten on a busy disk); with `normal` the log is in order and we sync
 * it ourselves, beside, before anybody is answered. `busy_timeout` covers other processes (`tidegate backup`), not ourselves: there is one writer.
 */
function connectSqlite(file: string): DatabaseSync {
  const connection = new DatabaseSync(file, { timeout: 10_000 })
  connection.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on')
  connection.exec(`pragma cache_size = -${CACHE_KIB}`)
  return connection
}

/** Of pages in memory, for each connection. */
const CACHE_KIB = 16_384

function kyselyOn(database: SqliteDatabase): Kysely<Tables> {
  const kysely = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
  runAtOnce(kysely, database)
  return kysely
}

/**
 * Reads go to the connection that writes while it has no transaction open: it has the pages that it wrote in memory, and the
 * other one drops all it has with each commit and reads them from the file again, most of what a small read costs.
 */
function readsOf(writing: DatabaseSync, reading: DatabaseSync): SqliteDatabase {
  const [beside, among] = [adapt(reading), adapt(writing)]
  return {
    close: () => beside.close(),
    prepare: (text) => (writing.isTransaction ? beside : among).prepare(text),
  }
}

/** A full disk ends SQLite's transaction by itself; an error about rolling it back would hide why. */
const NOTHING_CHANGED = { changes: 0, lastInsertRowid: 0 }

/**
 * Every transaction of ours writes. One that begins by reading would fail at once where another process has written
 * since; one that begins as a writer waits its turn.
 */
const BEGIN = 'begin immediate'

/** node:sqlite in the shape Kysely's dialect expects; statements are prepared once. */
function adapt(connection: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, ReturnType<SqliteDatabase['prepare']>>()
  return {
    close: () => connection.close(),
    prepare(text) {
      const known = statements.get(text)
      if (known !== undefined) return known
      const statement = connection.prepare(text === 'begin' ? BEGIN : text)
      const adapted = {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters: readonly unknown[]) =>
          text === 'rollback' && !connection.isTransaction
            ? NOTHING_CHANGED
            : statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as SQLInputValue[])),
      }
      if (statements.size < 2_000) statements.set(text, adapted)
      return adapted
    },
  }
}

async function openPostgres(url: string): Promise<Database> {
  const { default: pg } = await import('pg')
  // Counts and times are bigint columns; all of ours are safe integers.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  pool.on('error', () => undefined)
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    await sql`select 1`.execute(kysely)
  } catch (error) {
    await kysely.destroy()
    throw new AppError(
      'UPSTREAM',
      `Postgres at ${hostOf(url)} cannot be reached: ${(error as Error).message}. Check TIDEGATE_DATABASE_URL.`,
      {},
      { cause: error },
    )
  }
  return database({ kind: 'postgres', read: kysely, writer: kysely, transact: inTransaction(kysely) })
}

/** Without user and password, which do not belong into messages. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the given address'
}

function inTransaction(writer: Kysely<Tables>): Transact {
  return async (work) => ({ result: await writer.transaction().execute(work), durable: Promise.resolve() })
}

interface Opened {
  readonly kind: Database['kind']
  readonly read: Kysely<Tables>
  readonly writer: Kysely<Tables>
  readonly transact: Transact
  readonly log?: Disposable
}

function database({ kind, read, writer, transact, log }: Opened): Database {
  const [committed, visible] = [new Set<() => void>(), new Set<() => void>()]
  const listenTo = (listeners: Set<() => void>) => (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const tell = (listeners: Set<() => void>) => {
    for (const listener of listeners) listener()
  }
  const writeAhead: Database['writeAhead'] = async (work, { quiet = false, known = quiet } = {}) => {
    const { result: done, durable } = await transact((writer) => withMoves(work, writer))
    if (!known) tell(visible)
    await reachAround('after', done.made)
    const told = quiet ? durable : durable.then(() => tell(committed))
    // Whoever waits for it hears of a failure; others need not.
    told.catch(() => undefined)
    return { result: done.result, durable: told }
  }
  return {
    kind,
    read,
    writeAhead,
    async write(work, options) {
      const { result, durable } = await writeAhead(work, options)
      await durable
      return result
    },
    onCommit: listenTo(committed),
    onVisible: listenTo(visible),
    async [Symbol.asyncDispose]() {
      await read.destroy()
      if (writer !== read) await writer.destroy()
      log?.[Symbol.dispose]()
    },
  }
}
