import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnswerSpec, BundleManifest, Datatype, Signature } from '../../core/bundle.ts'
import { AppError } from '../../core/errors.ts'
import { formatProblem } from '../../core/problem.ts'
import { queryRows, sqlName, type DuckDBConnection } from '../../lib/open-analytics.ts'
import { readBehaviour, type BehaviourTest, type FunctionalityTest } from '../../pipeline/behaviour.ts'
import type { CheckSpec } from '../../pipeline/checks.ts'
import { askAboutAll, type PredictingHost } from '../ask-model.ts'
import type { GateVerdict } from '../decide-gate.ts'
import type { RawAnswers } from '../read-answers.ts'
import { notFeatures } from '../held-out-table.ts'
import { withHost } from '../with-host.ts'
import { changeRows, roomy, scalar } from './change-rows.ts'
import type { CheckPlace } from './check-place.ts'
import { viewTable, withTables } from './open-dataset.ts'

interface TestResult {
  readonly name: string
  readonly kind: BehaviourTest['kind']
  readonly outcome: 'pass' | 'fail' | 'inconclusive'
  readonly rows: number
  readonly failed: number
  readonly why?: string
  readonly examples: readonly Example[]
}

interface Example {
  /** Of the evaluation's data, or of the test's own rows, from 1. */
  readonly row: number
  readonly inputs: Readonly<Record<string, string>>
  readonly before?: string
  readonly answer: string
}

interface Bench {
  readonly connection: DuckDBConnection
  readonly host: PredictingHost
  readonly manifest: BundleManifest
  /** Of the evaluation's data. */
  readonly types: ReadonlyMap<string, string>
  readonly isRegression: boolean
  readonly signal: AbortSignal
}

const EXAMPLES = 10
const MOST_INPUTS = 12

/** Asks the candidate's own host about rows of the evaluation's data, as they are and changed, and about rows of the file. */
export async function checkBehaviour(
  { file }: Extract<CheckSpec, { kind: 'behaviour' }>,
  place: CheckPlace,
): Promise<GateVerdict> {
  const { evaluation, candidate, context } = place
  if (evaluation === undefined || candidate === undefined)
    return doubt('there is no evaluation, and so nothing to ask about')
  const path = join(context.workspace, file)
  if (!(await isThere(path)))
    return doubt(`${file} is not there: the tidegate.yaml of this change does not name it in a gate`)
  const { tests, problems } = readBehaviour(await readFile(path, 'utf8'), file)
  if (problems.length > 0) return doubt(problems.slice(0, 5).map(formatProblem).join('; '))
  return withTables(context, async (connection) => {
    const types = await viewTable(connection, context, evaluation.source.path, 'given')
    const asked = { model: candidate, columns: [...types.keys()], notFeatures: notFeatures({ input: { evaluation } }) }
    const results = await withHost(place, asked, async (host, manifest) => {
      const bench = {
        connection,
        host,
        manifest,
        types,
        isRegression: evaluation.task === 'regression',
        signal: context.signal,
      }
      const done: TestResult[] = []
      for (const test of tests) done.push(await runTest(test, bench, (line) => context.log(line)))
      return done
    })
    return verdict(results)
  })
}

async function runTest(test: BehaviourTest, bench: Bench, log: (line: string) => void): Promise<TestResult> {
  const result = test.kind === 'functionality' ? await askRows(test, bench) : await askChanged(test, bench)
  log(
    `${result.outcome}: ${test.name}: ${result.failed} of ${result.rows} rows failed${result.why === undefined ? '' : `: ${result.why}`}`,
  )
  return result
}

async function askChanged(
  test: Exclude<BehaviourTest, FunctionalityTest & { name: string }>,
  bench: Bench,
): Promise<TestResult> {
  const { types, manifest } = bench
  const changed = changeRows(types, test.change, { seed: test.seed, signature: manifest.signature })
  await make(
    bench,
    'sampled',
    `select row_number() over (order by __place) as __tidegate_row, * from (
      select * from (select row_number() over () as __place, * from given) where ${changed.isChanged}
      order by hash(__place::varchar || '/${test.seed}') limit ${test.rows}
    )`,
  )
  const before = await ask(bench, 'select * from sampled')
  const rows = before.predicted.length
  const open = { ...told(test), outcome: 'inconclusive', rows, failed: 0, examples: [] } as const
  if (rows === 0) return { ...open, why: 'it changes none of the rows, and so proves nothing' }
  const after = await ask(bench, `select __tidegate_row, ${changed.columns} from sampled`)
  const judge = judgeOf(test, bench, before, after)
  if (typeof judge === 'string') return { ...open, why: judge }
  const wrong = Array.from({ length: rows }, (_, row) => row).filter((row) => !judge.holds(row))
  const shown = wrong.slice(0, EXAMPLES)
  const inputs = await inputsOf(bench, Object.keys(test.change), shown)
  return {
    ...told(test),
    outcome: wrong.length > test.atMost * rows ? 'fail' : 'pass',
    rows,
    failed: wrong.length,
    examples: shown.map((row, i) => ({
      ...inputs[i]!,
      before: judge.show(before, row),
      answer: judge.show(after, row),
    })),
  }
}

interface Judge {
  holds(row: number): boolean
  show(answers: RawAnswers, row: number): string
}

/** What floating point does to a sum, in the precision that a model answers in. */
const ROUNDING: Partial<Record<Datatype, number>> = { FP64: 1e-9, FP32: 1e-6, FP16: 2e-3 }

/** Scores around 1 and numbers of any size are equal up to this; where nobody says more, they are of single precision. */
function roundingOf({ outputs, answer }: Signature, values: readonly number[]): number {
  const name = answer.scores ?? answer.prediction
  const own = outputs.find((output) => output.name === name)?.datatype ?? 'FP32'
  return (ROUNDING[own] ?? 1e-9) * Math.max(1, ...values.map(Math.abs))
}

/** A text says why it cannot be judged. */
function judgeOf(
  test: Exclude<BehaviourTest, FunctionalityTest & { name: string }>,
  { isRegression, manifest }: Bench,
  before: RawAnswers,
  after: RawAnswers,
): Judge | string {
  if (test.kind === 'invariance') {
    const { tolerance } = test
    const show = (answers: RawAnswers, row: number): string => answers.predicted[row] ?? ''
    if (isRegression) {
      const apart = (row: number): number => {
        const values = [Number(show(before, row)), Number(show(after, row))] as const
        return Math.abs(values[0] - values[1]) - roundingOf(manifest.signature, values)
      }
      return { show, holds: (row) => apart(row) <= (tolerance ?? 0) }
    }
    if (tolerance !== undefined && before.width === 0)
      return 'the model gives no scores that a `tolerance` could be held against'
    return {
      show,
      holds: (row) =>
        show(before, row) === show(after, row) &&
        (tolerance === undefined || scoresAgree(before, after, row, tolerance)),
    }
  }
  const value = valueOf(test.of, isRegression, manifest.signature.answer, before)
  if (typeof value === 'string') return value
  const moves = {
    rise: (d: number) => d > 0,
    fall: (d: number) => d < 0,
    'not-rise': (d: number, rounding: number) => d <= rounding,
    'not-fall': (d: number, rounding: number) => d >= -rounding,
  }
  return {
    holds: (row) => {
      const [first, second] = [value(before, row), value(after, row)]
      return moves[test.must](second - first, roundingOf(manifest.signature, [first, second]))
    },
    show: (answers, row) => String(Number(value(answers, row).toPrecision(6))),
  }
}

function scoresAgree(before: RawAnswers, after: RawAnswers, row: number, tolerance: number): boolean {
  for (let k = 0; k < before.width; k++) {
    const place = row * before.width + k
    if (Math.abs((before.scores[place] ?? 0) - (after.scores[place] ?? 0)) > tolerance) return false
  }
  return true
}

/** What has to move: a number that is predicted, or the score of a class. */
function valueOf(
  of: string | undefined,
  isRegression: boolean,
  { classes }: AnswerSpec,
  { width }: RawAnswers,
): ((answers: RawAnswers, row: number) => number) | string {
  if (isRegression) return (answers, row) => Number(answers.predicted[row])
  if (width === 0) return 'the model gives no scores that could rise or fall: name them in model.outputs.scores'
  if (of === undefined && width > 2) return 'say whose score must move: `of: <class>`'
  const place = of === undefined ? width - 1 : (classes?.indexOf(of) ?? Number(of))
  if (!(place >= 0 && place < width))
    return `the model has no class "${of ?? ''}": its classes are ${classes?.join(', ') ?? 'not named in model.outputs.classes'}`
  return (answers, row) => answers.scores[row * width + place] ?? Number.NaN
}

async function askRows(test: FunctionalityTest & { name: string }, bench: Bench): Promise<TestResult> {
  const { types, isRegression, manifest } = bench
  const stray = test.rows.flatMap((row) => Object.keys(row)).find((column) => !types.has(column))
  if (stray !== undefined)
    throw new AppError('INVALID_INPUT', `${test.name}: "${stray}" is no column of the evaluation's data`)
  const selects = test.rows.map((row, i) => {
    const columns = [...types].map(
      ([column, type]) => `${scalar(row[column] ?? null)}::${roomy(type)} as ${sqlName(column)}`,
    )
    return `select ${i + 1} as __tidegate_row, ${columns.join(', ')}`
  })
  const answers = await ask(bench, selects.join(' union all '))
  const holds = (answer: string): boolean =>
    isRegression
      ? Math.abs(Number(answer) - Number(test.answer)) <=
        test.tolerance + roundingOf(manifest.signature, [Number(answer)])
      : sameClass(answer, test.answer)
  const wrong = answers.predicted.flatMap((answer, row) => (holds(answer) ? [] : [row]))
  const examples = wrong.slice(0, EXAMPLES).map((row) => ({
    row: row + 1,
    inputs: bounded(test.rows[row] ?? {}),
    before: test.answer,
    answer: answers.predicted[row] ?? '',
  }))
  return {
    ...told(test),
    outcome: wrong.length > 0 ? 'fail' : 'pass',
    rows: test.rows.length,
    failed: wrong.length,
    examples,
  }
}

function sameClass(answer: string, wanted: string): boolean {
  return answer === wanted || (answer !== '' && wanted !== '' && Number(answer) === Number(wanted))
}

/** The table that is asked about is always called so: `read-table.ts` reads it in stretches. */
async function ask(bench: Bench, select: string): Promise<RawAnswers> {
  const { connection, host, manifest, signal } = bench
  await make(bench, 'held_out', select)
  const [row] = await queryRows(connection, 'select count(*)::double as n from held_out')
  return askAboutAll(host, manifest, connection, Number(row?.['n'] ?? 0), signal)
}

async function make({ connection }: Bench, table: string, select: string): Promise<void> {
  try {
    await connection.run(`create or replace temp table ${table} as ${select}`)
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    throw new AppError('INVALID_INPUT', `its rows cannot be made: ${line}`, {}, { cause: error })
  }
}

/** What was changed first, then what else the model was given. */
async function inputsOf(
  { connection, types }: Bench,
  changed: readonly string[],
  rows: readonly number[],
): Promise<{ row: number; inputs: Record<string, string> }[]> {
  if (rows.length === 0) return []
  const columns = [...new Set([...changed, ...types.keys()])].slice(0, MOST_INPUTS)
  const named = columns.map((column, i) => `${sqlName(column)}::varchar as c${i}`)
  const list = rows.map((row) => row + 1).join(', ')
  const found = await queryRows(
    connection,
    `select __place::double as place, ${named.join(', ')} from sampled where __tidegate_row in (${list}) order by __tidegate_row`,
  )
  return found.map((row) => ({
    row: Number(row['place']),
    inputs: bounded(Object.fromEntries(columns.map((column, i) => [column, row[`c${i}`]]))),
  }))
}

function bounded(inputs: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs)
      .slice(0, MOST_INPUTS)
      .map(([name, value]) => [name, textOf(value).slice(0, 100)]),
  )
}

function told({ name, kind }: BehaviourTest): Pick<TestResult, 'name' | 'kind'> {
  return { name, kind }
}

function verdict(tests: readonly TestResult[]): GateVerdict {
  const evidence = { tests }
  for (const outcome of ['fail', 'inconclusive'] as const) {
    const worst = tests.filter((test) => test.outcome === outcome)
    if (worst.length === 0) continue
    const sentences = worst
      .slice(0, 3)
      .map(({ name, failed, rows, why, examples: [first] }) =>
        why === undefined
          ? `${name}: ${failed} of ${rows} rows failed${first === undefined ? '' : `, row ${first.row} for one (${first.before ?? ''} became ${first.answer})`}`
          : `${name}: ${why}`,
      )
    return {
      outcome,
      summary: `${sentences.join('; ')}${worst.length > 3 ? ` and ${worst.length - 3} more` : ''}`,
      evidence,
    }
  }
  const rows = tests.reduce((sum, test) => sum + test.rows, 0)
  return {
    outcome: 'pass',
    summary: `${tests.length} ${tests.length === 1 ? 'test holds' : 'tests hold'} on ${rows} rows`,
    evidence,
  }
}

function doubt(summary: string): GateVerdict {
  return { outcome: 'inconclusive', summary, evidence: {} }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}
