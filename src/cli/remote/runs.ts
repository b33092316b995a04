import { Option, type Command } from 'commander'
import { z } from 'zod'
import { cancelRun, getRun, listRuns, rerunRun, startRun, waiveGate, type Run, type RunDetail } from '../../api/runs.ts'
import { listArtifacts, type Artifact } from '../../api/artifacts.ts'
import type { CancelMode } from '../../core/run-state.ts'
import { formatProblem } from '../../core/problem.ts'
import { placeOfRun } from '../../core/run-place.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { artifactTable } from './artifacts.ts'
import { brief, print, seconds, table, time } from '../print.ts'
import { parseRun } from '../references.ts'
import { wholeNumber } from '../whole-number.ts'

/** What runs, what ran, and what to do about it. */
export function registerRuns(program: Command): void {
  program
    .command('runs <project>')
    .description('runs of a project, newest first')
    .option('-n, --limit <count>', 'how many, newest first; at most 200', wholeNumber(1, 200), 20)
    .action(async (project: string, options: { limit: number }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const answer = await client.call(listRuns, { params: { project }, query: { limit: options.limit } })
      print(globals, answer, ({ runs }) =>
        table([['run', 'state', 'event', 'branch', 'by', 'started', 'what'], ...runs.map(runRow)]),
      )
    })
  program
    .command('show <run>')
    .description('one run: its eight stages, steps, tests, gates and why')
    .action(async (run: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const params = parseRun(run)
      const [found, { artifacts }] = await Promise.all([
        client.call(getRun, { params }),
        client.call(listArtifacts, { params }),
      ])
      print(globals, { ...found, artifacts }, describeRun)
    })
  program
    .command('start <project>')
    .description('start a run of a ref')
    .option('--ref <ref>', 'a branch, tag or commit; default: the default branch')
    .option('--refresh-data', 'freeze datasets anew')
    .action(async (project: string, options: { ref?: string; refreshData?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const body = {
        refreshData: options.refreshData === true,
        ...(options.ref === undefined ? {} : { ref: options.ref }),
      }
      const started = await client.call(startRun, { params: { project }, body })
      print(globals, started, describeStarted)
      if (started.state === 'invalid') process.exitCode = 1
    })
  registerChanges(program)
}

interface CancelOptions {
  readonly afterCurrent?: boolean
  readonly runAlways?: boolean
}

interface RerunOptions {
  readonly failed?: boolean
  readonly from?: string
  readonly debug?: boolean
}

function describeStarted({ id, state, problems }: RunDetail): string {
  if (state !== 'invalid') return `${id} is ${state}.`
  return [`${id} is invalid, and nothing of it is run:`, ...problems.map(formatProblem)].join('\n')
}

function howToEnter(id: string): string {
  return `Workspaces are kept; \`tidegate show ${id}\` and the end of each log say where they are and how to go on there.`
}

function modeOf({ afterCurrent, runAlways }: CancelOptions): CancelMode {
  if (afterCurrent === true) return 'after-current'
  return runAlways === true ? 'now-run-always' : 'now'
}

function registerChanges(program: Command): void {
  program
    .command('cancel <run>')
    .description('cancel a run: every process of it is dead afterwards')
    .addOption(
      new Option('--after-current', 'let the steps that run finish, and start nothing new').conflicts('runAlways'),
    )
    .option('--run-always', 'kill what runs, but still run steps whose `if` has always()')
    .action(async (run: string, options: CancelOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const answer = await client.call(cancelRun, { params: parseRun(run), body: { mode: modeOf(options) } })
      print(globals, answer, ({ id, state, reason }) => `${id} is ${state}: ${reason}.`)
    })
  program
    .command('rerun <run>')
    .description('run the same commit again, as a new run')
    .option('--failed', 'adopt what succeeded and run only the rest')
    .addOption(new Option('--from <step>', 'run this step and what depends on it, adopt the rest').conflicts('failed'))
    .option('--debug', 'keep the workspaces, whatever the outcome; the log says how to go on in one')
    .action(async (run: string, options: RerunOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const { failed = false, debug = false, from } = options
      const body = { failed, debug, ...(from === undefined ? {} : { from }) }
      const answer = await client.call(rerunRun, { params: parseRun(run), body })
      print(globals, answer, ({ id, state }) => `${id} is ${state}.${debug ? ` ${howToEnter(id)}` : ''}`)
    })
  program
    .command('waive <run> <gate>')
    .description('let an inconclusive gate pass; `tidegate show` names the gates')
    .requiredOption('--reason <text>', 'kept with the version')
    .action(async (run: string, gate: string, options: { reason: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const answer = await client.call(waiveGate, {
        params: parseRun(run),
        body: { gate, reason: options.reason },
      })
      print(globals, answer, ({ id }) => `Waived. ${id} goes on from there.`)
    })
}

function runRow(run: Run): string[] {
  const what = brief(run.reason ?? run.title)
  return [run.id, run.state, run.event, placeOfRun(run), run.person, time(run.startedAt), what]
}

function describeRun(run: RunDetail & { readonly artifacts: readonly Artifact[] }): string {
  const parts = [
    `${run.id}  ${run.state}${run.reason === null ? '' : `: ${run.reason}`}`,
    `${run.commit.slice(0, 12)} on ${placeOfRun(run)} by ${run.person}: ${run.title}`,
    table(
      run.stages.map((stage) => [
        `  ${stage.number} ${stage.title}`,
        stage.state,
        seconds(stage.seconds),
        stage.summary,
      ]),
    ),
  ]
  if (run.problems.length > 0) parts.push(run.problems.map(formatProblem).join('\n'))
  if (run.steps.length > 0)
    parts.push(table([['step', 'stage', 'state', 'cache', 'took', 'why'], ...run.steps.map(stepRow)]))
  if (run.gates.length > 0)
    parts.push(
      table([
        ['gate', 'outcome', 'what'],
        ...run.gates.map((gate) => [
          gate.title,
          gate.waivedBy === null ? gate.outcome : `waived by ${gate.waivedBy}`,
          gate.summary,
        ]),
      ]),
    )
  const changed = run.gates.map(changedAnswers).find((rows) => rows.length > 0)
  if (changed !== undefined)
    parts.push(table([['changed most: row', 'label', 'candidate', 'champion', 'distance', 'inputs'], ...changed]))
  if (run.gates.length > 0) parts.push(`What was proved: tidegate report ${run.id.replace('#', '/')}`)
  const kept = run.steps.flatMap(({ key, debug }) => (debug === null ? [] : [{ key, ...debug }]))
  if (kept.length > 0)
    parts.push(
      table([
        ['kept for debugging', 'folder', 'variables', 'until'],
        ...kept.map(({ key, folder, environment, until }) => [key, folder, environment, time(until)]),
      ]),
    )
  if (run.artifacts.length > 0) parts.push(artifactTable(run.artifacts))
  if (run.coverage.length > 0)
    parts.push(table([['coverage', 'lines', 'before', 'changed lines'], ...run.coverage.map(coverageRow)]))
  if (run.findings.length > 0)
    parts.push(
      run.findings.map((one) => `${one.file}:${one.line}:${one.column}: ${one.severity}: ${one.message}`).join('\n'),
    )
  for (const failure of run.tests.failures) {
    const mark = failure.quarantined ? ' (in quarantine)' : ''
    parts.push(`${failure.suite}::${failure.name}${mark}: ${failure.message}\n${failure.detail}`)
  }
  return parts.join('\n\n')
}

const ChangedAnswers = z.object({
  examples: z.array(
    z.object({
      row: z.number(),
      id: z.string().optional(),
      label: z.string(),
      candidate: z.string(),
      champion: z.string().optional(),
      distance: z.number(),
      inputs: z.record(z.string(), z.string()),
    }),
  ),
})

/** The rows behind a comparison with the champion. */
function changedAnswers({ evidence }: RunDetail['gates'][number]): string[][] {
  const read = ChangedAnswers.safeParse(evidence)
  if (!read.success) return []
  return read.data.examples.map(({ row, id, label, candidate, champion = '', distance, inputs }) => {
    const told = Object.entries(inputs).map(([name, value]) => `${name} ${value}`)
    return [id ?? String(row), label, candidate, champion, distance.toPrecision(3), told.join(', ').slice(0, 80)]
  })
}

function coverageRow(one: RunDetail['coverage'][number]): string[] {
  const { step, lines, covered, baseShare, baseRun, changedLines, changedCovered, members, membersOf } = one
  return [
    members === membersOf ? step : `${step} (${members ?? 0} of ${membersOf ?? 0} members)`,
    `${percent(covered, lines)} (${covered} of ${lines})`,
    baseShare === null ? '' : `${(baseShare * 100).toFixed(1)} % in ${baseRun ?? ''}`,
    changedLines === null ? '' : `${changedCovered ?? 0} of ${changedLines}`,
  ]
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((part / whole) * 100).toFixed(1)} %`
}

function stepRow(step: RunDetail['steps'][number]): string[] {
  return [step.key, step.stage, step.state, step.cache ?? '', seconds(step.seconds), step.message ?? step.why ?? '']
}
