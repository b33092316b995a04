import { sql } from 'kysely'
import { createTable, type ColumnType } from './create-table.ts'
import type { Migration } from './migrations.ts'
import type { Writer } from '../open-database.ts'

const FINDINGS = {
  run_id: 'text',
  step: 'text',
  position: 'integer',
  severity: 'text',
  file: 'text',
  line: 'integer',
  column: 'integer',
  message: 'text',
} as const

const TEST_RESULTS = {
  run_id: 'text',
  step: 'text',
  attempt: 'integer',
  position: 'integer',
  project: 'text',
  commit_id: 'text',
  at: 'integer',
  suite: 'text',
  name: 'text',
  file: 'text',
  state: 'text',
  seconds: 'double',
  retries: 'integer',
  quarantined: 'integer',
  latest: 'integer',
  fresh: 'integer',
  message: 'text',
  detail: 'text',
} as const

interface NewTable {
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly key: readonly string[]
}

const TABLES: Readonly<Record<string, NewTable>> = {
  known_tests: {
    columns: {
      project: 'text',
      suite: 'text',
      name: 'text',
      file: 'text',
      state: 'text',
      seconds: 'double',
      runs: 'integer',
      failures: 'integer',
      flakes: 'integer',
      first_at: 'integer',
      last_at: 'integer',
      last_run: 'text',
      last_step: 'text',
    },
    key: ['project', 'suite', 'name'],
  },
  test_flakes: {
    columns: {
      project: 'text',
      suite: 'text',
      name: 'text',
      run_id: 'text',
      step: 'text',
      commit_id: 'text',
      how: 'text',
      at: 'integer',
    },
    key: ['project', 'suite', 'name', 'run_id', 'step'],
  },
  quarantined_tests: {
    columns: {
      project: 'text',
      suite: 'text',
      name: 'text',
      reason: 'text',
      person: 'text',
      at: 'integer',
      until: 'integer',
    },
    key: ['project', 'suite', 'name'],
  },
  coverage: {
    columns: {
      run_id: 'text',
      step: 'text',
      project: 'text',
      branch: 'text',
      commit_id: 'text',
      at: 'integer',
      lines: 'integer',
      covered: 'integer',
      changed_lines: 'integer?',
      changed_covered: 'integer?',
      base_run: 'text?',
      base_commit: 'text?',
    },
    key: ['run_id', 'step'],
  },
  coverage_files: {
    columns: {
      run_id: 'text',
      step: 'text',
      path: 'text',
      lines: 'integer',
      covered: 'integer',
      changed_lines: 'integer?',
      changed_covered: 'integer?',
    },
    key: ['run_id', 'step', 'path'],
  },
}

/** Findings of every step, results of every attempt, what is known of each test, and coverage. */
export const testHistory: Migration = {
  number: 6,
  name: '006-test-history',
  async up(writer, kind) {
    const make = (name: string, columns: Readonly<Record<string, ColumnType>>, key: readonly string[]) =>
      createTable(writer, kind, name, { ...columns }, key)
    await make('findings_of_steps', FINDINGS, ['run_id', 'step', 'position'])
    await sql`insert into findings_of_steps (run_id, step, position, severity, file, line, "column", message)
      select run_id, 'sources', position, severity, file, line, "column", message from findings`.execute(writer)
    await takePlaceOf(writer, 'findings', 'findings_of_steps')
    await make('results_of_attempts', TEST_RESULTS, ['run_id', 'step', 'attempt', 'position'])
    await sql`insert into results_of_attempts (run_id, step, attempt, position, project, commit_id, at, suite, name, file,
        state, seconds, retries, quarantined, latest, fresh, message, detail)
      select t.run_id, t.step, 1, t.position, r.project, r.commit_id, r.created_at, t.suite, t.name, '',
        t.state, t.seconds, 0, 0, 1, 0, t.message, t.detail from test_results t join runs r on r.id = t.run_id`.execute(
      writer,
    )
    await takePlaceOf(writer, 'test_results', 'results_of_attempts')
    for (const [name, { columns, key }] of Object.entries(TABLES)) await make(name, columns, key)
    await index(writer, 'test_results_of_test', 'test_results', ['project', 'suite', 'name', 'at'])
    await index(writer, 'test_results_of_commit', 'test_results', ['project', 'commit_id', 'step'])
    await index(writer, 'coverage_of_branch', 'coverage', ['project', 'branch', 'at'])
  },
}

async function takePlaceOf(writer: Writer, old: string, made: string): Promise<void> {
  await writer.schema.dropTable(old).execute()
  await writer.schema.alterTable(made).renameTo(old).execute()
}

async function index(writer: Writer, name: string, table: string, columns: readonly string[]): Promise<void> {
  await writer.schema
    .createIndex(name)
    .on(table)
    .columns([...columns])
    .execute()
}
