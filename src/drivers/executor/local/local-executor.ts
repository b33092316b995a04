import { existsSync, mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync, unlinkSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../../../core/errors.ts'
import { ATTEMPT_FILES, ATTEMPT_MARK, type SupervisorClaim } from '../../../core/attempt-files.ts'
import { reach } from '../../../core/points.ts'
import { processesOfGroup, removeControlGroup, removeLeftGroups } from '../../../lib/control-group.ts'
import { killUntilNone } from '../../../lib/end-processes.ts'
import { hasCode } from '../../../lib/error-code.ts'
import { createJsonFile, readWrittenJson } from '../../../lib/json-file.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import { sha256 } from '../../../lib/sha256.ts'
import { hasInEnvironment, isSameProcess, listProcesses } from '../../../lib/processes.ts'
import { createStarter, type Starter } from './start-supervisor.ts'
import type { AttemptOrder, CompletionRecord, Executor, Handle, Observation } from '../../../core/ports/executor.ts'

export interface LocalExecutorOptions {
  /** The executor's own notes: which attempts it has, and what supervisors say on stderr. */
  readonly folder: string
  /**
   * So many supervisors are kept started and waiting, 45 MB each; an attempt that finds one starts 50 ms sooner.
   * Those that have served wait too, for the next attempt, as many as there are processors.
   */
  readonly spares: number
  /** The program with our `task` command. Absent: the one this code belongs to. */
  readonly taskEntry?: string
}

/** So long after its order an attempt without a claim is given up. Starting a supervisor takes under a second. */
const START_MS = 30_000

const SWEEP_MS = 1_000

/** Runs attempts on this machine. A handle is the attempt's folder. */
export function openLocalExecutor(options: LocalExecutorOptions): Executor {
  const owned = join(options.folder, 'owned')
  mkdirSync(owned, { recursive: true, mode: 0o700 })
  removeLeftGroups()
  const starter = createStarter(options)

  return {
    id: 'local',
    probe: async () => ({ cpus: availableParallelism(), gpus: countGpus(), memoryBytes: memoryBytes() }),
    async submit(order, secrets, confirmed = Promise.resolve()) {
      mkdirSync(order.attemptFolder, { recursive: true, mode: 0o700 })
      own(ownedFile(owned, order.attemptFolder), order.attemptFolder)
      if (!createJsonFile(fileOf(order.attemptFolder, 'order'), order)) refuseOther(order)
      await reach('order written', order.attemptId)
      if (!isTaken(order.attemptFolder)) starter.start({ attemptFolder: order.attemptFolder, secrets, confirmed })
      return order.attemptFolder
    },
    async observe(handles) {
      const seen = new Map<Handle, Observation>()
      for (const handle of handles) seen.set(handle, await look(handle, starter))
      return seen
    },
    cancel,
    abandon,
    onHint: (listener) => starter.onDone(listener),
    async listOwned() {
      return readdirSync(owned, { withFileTypes: true })
        .filter((entry) => entry.isSymbolicLink())
        .map(({ name }) => readlinkSync(join(owned, name)))
        .sort()
    },
    async forget(handle) {
      const claim = readClaim(handle)
      // One that lives removes its groups itself.
      if (claim?.group !== undefined && !isSameProcess(claim.supervisor)) removeControlGroup(claim.group)
      await forgetFiles(handle)
      removeFile(ownedFile(owned, handle))
      starter.forget(handle)
    },
    async [Symbol.asyncDispose]() {
      await starter.close()
    },
  }
}

/**
 * `gone` is said only when it is certain and stays so: the claim names a dead supervisor, there is no record
 * even after that was known, and what it left running has been killed. A supervisor that lives has either
 * this attempt under way or written its record: it takes no other before.
 */
async function look(handle: Handle, starter: Starter): Promise<Observation> {
  const record = readRecord(handle)
  if (record) return { kind: 'ended', record }
  const claim = readClaim(handle)
  if (!claim) return lookUnclaimed(handle, starter)
  if (starter.isBusyWith(handle, claim.supervisor.pid) || isSameProcess(claim.supervisor)) return running(handle, claim)
  const last = readRecord(handle)
  if (last) return { kind: 'ended', record: last }
  const left = await sweep(handle)
  if (left.length === 0) return { kind: 'gone' }
  return { kind: 'unreachable', why: `its supervisor is dead, and ${left.join(', ')} cannot be killed yet` }
}

function running(handle: Handle, claim: SupervisorClaim): Observation {
  if (!claim.command) return { kind: 'starting' }
  const logBytes = statSync(fileOf(handle, 'log'), { throwIfNoEntry: false })?.size ?? 0
  return { kind: 'running', pid: claim.command.pid, startedAt: claim.startedAt, logBytes }
}

/**
 * Nobody has claimed it. A supervisor may still be on its way: of those that we told we know for how long, even when the
 * clock was set; of others by the order's file. Before we say that none is, we claim the attempt ourselves, so that one
 * that comes later finds it taken and leaves.
 */
async function lookUnclaimed(handle: Handle, starter: Starter): Promise<Observation> {
  const order = statSync(fileOf(handle, 'order'), { throwIfNoEntry: false })
  if (!order) return { kind: 'gone' }
  const age = starter.toldForMs(handle) ?? Date.now() - order.mtimeMs
  if (age < START_MS && !starter.hasEnded(handle)) return { kind: 'starting' }
  const nobody: SupervisorClaim = { supervisor: { pid: 0, startTicks: '0' }, startedAt: Date.now() }
  return createJsonFile(fileOf(handle, 'claim'), nobody) ? { kind: 'gone' } : look(handle, starter)
}

/** Where the supervisor is dead, its work is done here, without the grace: nobody would know when it is over. */
async function cancel(handle: Handle, graceMs: number): Promise<void> {
  if (!existsSync(fileOf(handle, 'order'))) return
  createJsonFile(fileOf(handle, 'cancel'), { graceMs })
  const claim = readClaim(handle)
  if (!claim || isSameProcess(claim.supervisor) || readRecord(handle)) return
  await sweep(handle)
}

/** A supervisor with a record is at its next attempt, and not ours to kill. */
async function abandon(handle: Handle): Promise<void> {
  const claim = readClaim(handle)
  if (claim && !readRecord(handle) && isSameProcess(claim.supervisor)) process.kill(claim.supervisor.pid, 'SIGKILL')
  await sweep(handle)
}

/** Returns what could not be killed: a process that hangs in the kernel, on a dead disk for instance. */
function sweep(handle: Handle): Promise<number[]> {
  return killUntilNone(() => findMarked(handle), SWEEP_MS)
}

/** In its control group, where there is one, or by the mark. One that is being started has no mark yet. */
function findMarked(handle: Handle): number[] {
  const { group } = readClaim(handle) ?? {}
  const grouped = new Set(group === undefined ? [] : processesOfGroup(group))
  return listProcesses()
    .filter((row) => grouped.has(row.pid) || hasInEnvironment(row.pid, ATTEMPT_MARK, handle))
    .map((row) => row.pid)
}

/** The order goes last: while there is one, all that is left can be found again. */
async function forgetFiles(handle: Handle): Promise<void> {
  const order = readWrittenJson(fileOf(handle, 'order')) as AttemptOrder | undefined
  if (!order) return
  const folders = ['', '.home', '.tmp', '.env'].map((beside) => `${order.workspace}${beside}`)
  await Promise.all(folders.filter((folder) => existsSync(folder)).map((folder) => removeFolder(folder)))
  // The claim before the record: its supervisor may live on with another attempt, and would seem to run this one.
  removeFile(fileOf(handle, 'claim'))
  for (const name of ['cancel.json', 'task-output.json'])
    if (existsSync(join(handle, name))) removeFile(join(handle, name))
  removeFile(fileOf(handle, 'done'))
  removeFile(fileOf(handle, 'order'))
}

/** `rmSync` looks twice at what it removes. */
function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

function refuseOther(order: AttemptOrder): void {
  const there = readWrittenJson(fileOf(order.attemptFolder, 'order')) as AttemptOrder | undefined
  if (there?.attemptId === order.attemptId) return
  if (there === undefined && createJsonFile(fileOf(order.attemptFolder, 'order'), order)) return
  throw new AppError(
    'ALREADY_EXISTS',
    `${order.attemptFolder} belongs to ${there?.attemptId}, not to ${order.attemptId}.`,
  )
}

function isTaken(folder: string): boolean {
  return existsSync(fileOf(folder, 'claim')) || existsSync(fileOf(folder, 'done'))
}

function readClaim(handle: Handle): SupervisorClaim | undefined {
  return readWrittenJson(fileOf(handle, 'claim')) as SupervisorClaim | undefined
}

function readRecord(handle: Handle): CompletionRecord | undefined {
  return readWrittenJson(fileOf(handle, 'done')) as CompletionRecord | undefined
}

function fileOf(folder: string, file: keyof typeof ATTEMPT_FILES): string {
  return join(folder, ATTEMPT_FILES[file])
}

/** A link that leads to its folder is whole from its first moment, and one call. */
function own(file: string, attemptFolder: string): void {
  try {
    symlinkSync(attemptFolder, file)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function ownedFile(owned: string, attemptFolder: string): string {
  return join(owned, sha256(attemptFolder).slice('sha256:'.length, 'sha256:'.length + 32))
}

/** Of a container, its limit. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity)
}

function countGpus(): number {
  return existsSync('/proc/driver/nvidia/gpus') ? readdirSync('/proc/driver/nvidia/gpus').length : 0
}
