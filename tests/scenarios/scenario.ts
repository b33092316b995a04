import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CANCEL_MODES, END_REASONS, type CancelMode, type EndReason } from '../../src/core/run-state.ts'
import { TASKS, type TaskName } from '../../src/core/plan.ts'
import type { TaskOutput } from '../../src/core/task.ts'

/**
 * A folder is a scenario: `tidegate.yaml`, whose commands are words of the dummy executor
 * (`src/drivers/executor/dummy/dummy-script.ts`), and `expect.json`. A new folder is a new test; an unknown
 * word in `expect.json` is an error, and so is a command step that its `steps` do not name.
 *
 * Runs are made one after the other in one project, each when the one before has ended; with `beside`, while
 * it still goes on. A `sleep` of ten minutes or more lasts until every run has come as far as its `reaches`
 * says, so nothing here depends on how fast the machine is.
 */
const Row = z.record(z.string(), z.unknown())

const ScenarioRun = z.strictObject({
  /** Another file of the folder than tidegate.yaml: a change to it. */
  file: z.string().optional(),
  branch: z.string().default('main'),
  tag: z.string().optional(),
  event: z.enum(['push', 'pull-request', 'alert', 'manual', 'schedule']).default('push'),
  /** Files that a push changed; absent: not known, so filters on paths let it through. */
  changed: z.array(z.string()).optional(),
  /** `on:` is asked about pushes and pull requests; `false` says that this one starts nothing. */
  starts: z.boolean().default(true),
  /** Files of the commit, by path. */
  commit: z.record(z.string(), z.string()).default({}),
  /** What tasks answer; those that are not named answer nothing and succeed. */
  tasks: z.partialRecord(z.enum(Object.keys(TASKS) as TaskName[]), z.custom<TaskOutput>()).default({}),
  /** Made while the run before goes on. */
  beside: z.boolean().default(false),
  /** What is waited for before anything else happens: members of the run's row, and of steps' rows by key. */
  reaches: z.strictObject({ run: Row.optional(), steps: z.record(z.string(), Row).optional() }).optional(),
  /** Cancels the run when the first attempt of this step runs, or at once where it says `queued`; default mode: now. */
  cancelIn: z
    .union([z.string(), z.strictObject({ step: z.string(), mode: z.enum(Object.keys(CANCEL_MODES) as CancelMode[]) })])
    .optional(),
  /** Only what did not succeed runs again: a rerun of the run before. */
  rerun: z.enum(['failed', 'all']).optional(),
  /** Members of the run's row, when it has ended. */
  run: Row.optional(),
  /** Members of steps' rows by key. Every command step must be named. */
  steps: z.record(z.string(), Row).default({}),
  /** All attempts at a step in order: `succeeded`, `failed exit`, `lost executor-lost`. */
  attempts: z.record(z.string(), z.array(z.string().refine(isAttempt))).default({}),
  /** The files that a step's last attempt found in its workspace, sorted. */
  sees: z.record(z.string(), z.array(z.string())).default({}),
  /** Variables that a step's last attempt had; null: it had not. */
  env: z.record(z.string(), z.record(z.string(), z.string().nullable())).default({}),
  /** What a step waits for, from its plan, sorted; `?` after a step that does not block when it was skipped. */
  needs: z.record(z.string(), z.array(z.string())).default({}),
  /** Everything that is wrong with the file, as people read it. */
  problems: z.array(z.string()).default([]),
})
export type ScenarioRun = z.output<typeof ScenarioRun>

const Scenario = z.strictObject({ runs: z.array(ScenarioRun).min(1) })

const FOLDER = import.meta.dirname

export function scenarioNames(): string[] {
  return readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
}

export function readScenario(name: string): readonly ScenarioRun[] {
  return Scenario.parse(JSON.parse(readFileSync(join(FOLDER, name, 'expect.json'), 'utf8'))).runs
}

export function pipelineText(name: string, { file = 'tidegate.yaml' }: ScenarioRun): string {
  return readFileSync(join(FOLDER, name, file), 'utf8')
}

function isAttempt(text: string): boolean {
  const [state = '', reason, ...more] = text.split(' ')
  const states = ['succeeded', 'failed', 'cancelled', 'lost']
  return states.includes(state) && more.length === 0 && (reason === undefined || (reason as EndReason) in END_REASONS)
}
