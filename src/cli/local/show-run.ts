import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { formatProblem } from '../../core/problem.ts'
import type { AppEvent } from '../../core/events.ts'
import { describeStep, type StepEnded } from '../../flow/describe-step.ts'
import { hasCode } from '../../lib/error-code.ts'
import { datasetKey } from '../../pipeline/task-keys.ts'
import { size } from '../print.ts'
import { fetchLines } from './fetch-lines.ts'
import type { LocalFacts, LocalRunResult, LocalRunWatch } from '../../local.ts'

/** A terminal, or a file or pipe that stands for one. */
interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface DecidedGate {
  readonly gate: string
  readonly outcome: string
  readonly summary: string
}

export interface ShownRun extends LocalRunWatch {
  readonly gates: readonly DecidedGate[]
  cancelling(): void
  ended(result: LocalRunResult): void
}

const TICK_MS = 1_000
/** Bytes come faster than anybody reads numbers. */
const REDRAW_MS = 100
const LOG_LINES = 20

/** Shows a run as a pusher sees it, line by line; on a terminal also what runs right now. Undefined: shows nothing. */
export function showRun(output: Output | undefined): ShownRun {
  const gates: DecidedGate[] = []
  const running = new Map<string, number>()
  const fetching = new Map<string, string>()
  const lineOf = fetchLines()
  let width = 8
  let drawnAt = 0

  const isLive = output?.isTTY === true
  const ticking = isLive ? setInterval(redraw, TICK_MS).unref() : undefined

  function redraw(): void {
    if (!isLive) return
    drawnAt = Date.now()
    const steps = [...running].map(([step, at]) => `${step} ${Math.round((Date.now() - at) / 1_000)} s`)
    const now = [...fetching.values(), ...steps]
    output?.write(`\r\u001B[K${now.length === 0 ? '' : `  … ${now.join(', ')}`}`.slice(0, 200))
  }

  function say(...lines: readonly string[]): void {
    output?.write(`${isLive ? '\r\u001B[K' : ''}${lines.map((line) => `${line}\n`).join('')}`)
    if (running.size > 0 || fetching.size > 0) redraw()
  }

  async function stepEnded(ended: StepEnded & { attempt?: number }, facts: LocalFacts): Promise<void> {
    running.delete(ended.step)
    fetching.delete(ended.step)
    say(describeStep(ended, width))
    if (ended.state !== 'failed' || output === undefined) return
    const tests = await facts.failedTests(ended.step)
    for (const test of tests.slice(0, 10)) {
      say(`      ${test.name}: ${test.message.split('\n')[0] ?? ''}`)
      say(
        ...test.detail
          .split('\n')
          .slice(-12)
          .map((line) => `        ${line}`),
      )
    }
    if (ended.attempt === undefined || ended.attempt === 0) return
    const { log, workspace } = facts.placeOf(ended.step, ended.attempt)
    if (tests.length === 0) say(...(await lastLines(log)).map((line) => `      | ${line}`))
    // A step that could not be prepared has neither.
    if (existsSync(log)) say(`      log:   ${log}`)
    if (existsSync(workspace)) say(`      files: ${workspace}`)
  }

  return {
    gates,
    waiting: () => say('Another `tidegate run` of this folder is under way; waiting for its end.'),
    planned(plan, problems) {
      width = Math.max(width, ...plan.steps.map(({ key }) => key.length))
      if (problems.length > 0) say(...problems.map(formatProblem))
    },
    async happened({ kind, data }: AppEvent, facts) {
      if (kind === 'step.started') running.set(String(data['step']), Date.now())
      if (kind === 'step.ended') await stepEnded(data as unknown as StepEnded & { attempt?: number }, facts)
      if (kind === 'gate.decided') {
        const { gate, outcome, summary } = data as unknown as DecidedGate
        gates.push({ gate, outcome, summary })
        say(`    gate ${outcome}: ${gate}: ${summary}`)
      }
    },
    fetching(path, received, total) {
      const line = lineOf(path, received, total)
      if (received === total) fetching.delete(datasetKey(path))
      else fetching.set(datasetKey(path), `${path}: ${size(received)} of ${size(total)}`)
      if (line !== undefined && (!isLive || received === total)) say(line)
      else if (Date.now() - drawnAt >= REDRAW_MS) redraw()
    },
    cancelling: () => say('Cancelling: ending every process of this run.'),
    ended(result) {
      clearInterval(ticking)
      running.clear()
      fetching.clear()
      if (result.state === 'invalid')
        say(...result.problems.map(formatProblem), 'The pipeline file has problems; nothing was run.')
      else say(`${result.state}${result.reason === null ? '' : `: ${result.reason}`}  (${result.seconds.toFixed(1)} s)`)
      if (result.written.length > 0) say(`Written: ${result.written.join(', ')}`)
    },
  }
}

/** What a step printed last, of at most its last 16 KiB. */
async function lastLines(file: string): Promise<string[]> {
  try {
    await using log = await open(file, 'r')
    const { size } = await log.stat()
    const from = Math.max(0, size - (16 << 10))
    const bytes = Buffer.alloc(size - from)
    await log.read(bytes, 0, bytes.length, from)
    return bytes.toString('utf8').trimEnd().split('\n').slice(-LOG_LINES)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** What `--json` prints. */
export function jsonResult(result: LocalRunResult, gates: readonly DecidedGate[]) {
  const { state, reason, seconds, problems, failures, written } = result
  const steps = result.steps.map((step) => ({
    step: step.key,
    stage: step.stage,
    state: step.state,
    seconds: step.started_at === null || step.ended_at === null ? null : (step.ended_at - step.started_at) / 1_000,
    cache: step.cache,
    why: step.why,
    message: step.message,
  }))
  return { state, reason, seconds, problems, steps, gates, failures, written }
}
