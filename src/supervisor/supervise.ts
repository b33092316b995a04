import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ATTEMPT_FILES, type ProcessIdentity, type StartOrder, type SupervisorClaim } from '../core/attempt-files.ts'
import { reach } from '../core/points.ts'
import { createJsonFile, readJsonFile, replaceJsonFile } from '../lib/json-file.ts'
import type { ControlGroup, ControlGroups } from '../lib/control-group.ts'
import { readProcess } from '../lib/processes.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import { isDiskFull } from '../core/storage-error.ts'
import { bounded, endOfError, failed, interrupted, type AttemptEnd } from './attempt-end.ts'
import { attemptEnvironment } from './attempt-environment.ts'
import { checkpointFiles, withCheckpoint } from './checkpoint.ts'
import { collectOutputs, listWritten, missingInWords } from './collect-outputs.ts'
import { leaveDebugNotes } from './debug-notes.ts'
import { diskAtEnd } from './disk-check.ts'
import { judgeExit } from './judge-exit.ts'
import { createMasker } from './mask.ts'
import { maskEnd } from './mask-end.ts'
import type { LogEnd, LogFile } from './log-file.ts'
import { openOutput } from './open-output.ts'
import { kernelMemoryKills } from './memory-check.ts'
import { placeFolders, type PlacedFolders } from './place-folders.ts'
import { withProcessLimit } from './process-limit.ts'
import { prepareWorkspace, sealWorkspace } from './workspace.ts'
import type { RecordSync } from './record-sync.ts'
import { runCommand } from './run-command.ts'
import { startServices } from './services.ts'
import type { CommandExit } from './spawn-session.ts'
import { taskArgv } from './task-process.ts'
import { aborted, watchAttempt, type AttemptWatch } from './watch-attempt.ts'
import { noteOrEnd } from './write-or-end.ts'
import type { AttemptOrder, CompletionRecord } from '../core/ports/executor.ts'
import type { OutputPipe } from './output-pipe.ts'
import type { Store } from '../core/ports/store.ts'

export interface Start extends Required<StartOrder> {
  /** Until then everything may be prepared, and nothing of the attempt run. */
  readonly confirmed: Promise<unknown>
}

/** `unclean`: this process must not serve another attempt. */
export type SupervisorEnd = 'clean' | 'unclean'

/** What a supervisor has for all attempts that it serves, one after another. */
export interface SupervisorTools {
  takePipe(): OutputPipe
  readonly groups: ControlGroups
  openStore(folder: string): Promise<Store>
  readonly records: RecordSync
  /** The record is written, and only small things are left to do; or the attempt is somebody else's. */
  onEnd(end: SupervisorEnd): void
}

/**
 * One attempt from claim to completion record. The record is written last, when nothing of the attempt
 * lives and log and outputs are on the disk: who reads it needs to look no further. It is on the disk itself a moment later. Of several supervisors
 * for one folder all but the first return at once. `unclean` says that something of the attempt could not be
 * ended, or holds on to its pipe. It must not serve another one either when this throws:
 * the claim would name a living process, and nobody could see that its attempt is lost.
 */
export async function supervise(start: Start, tools: SupervisorTools): Promise<void> {
  const order = readOrder(start.attemptFolder)
  const group = await tools.groups.take(order)
  const claim = claimOf(group)
  if (!createJsonFile(join(order.attemptFolder, ATTEMPT_FILES.claim), claim)) return tools.onEnd('unclean')
  await reach('attempt claimed', order.attemptId)
  const masker = createMasker(Object.values(start.secrets))
  const output = openOutput(order, masker, () => tools.takePipe())
  const { log } = output
  const watch = watchAttempt(order)
  let isEmpty = true
  const onLeft = (pids: readonly number[]) => {
    isEmpty = false
    noteOrEnd(log, `could not be killed: ${pids.join(', ')}`, watch)
  }
  const end =
    output.kind === 'refused'
      ? output.end
      : await attempt({ start, order, claim, log, watch, pipe: output.pipe, group, tools, onLeft })
  watch.close()
  await finish({ order, claim, end, log, mask: (text) => masker.text(text) })
  tools.records.syncSoon(order.attemptFolder)
  const isClosed = output.kind === 'refused' || output.pipe.close()
  const isClean = isClosed && isEmpty && !tools.groups.isStuck
  // Of an attempt that was cancelled before: the next line is not meant for another.
  await start.confirmed
  tools.onEnd(isClean ? 'clean' : 'unclean')
  tools.groups.goOn()
  tools.groups.remove(group)
}

function claimOf(group: ControlGroup | undefined): SupervisorClaim {
  const claim = { supervisor: ownIdentity(), startedAt: Date.now() }
  return group === undefined ? claim : { ...claim, group: group.name }
}

/** Tasks are ours and run as we do, whoever the commands run as. */
function readOrder(attemptFolder: string): AttemptOrder {
  const order = readJsonFile(join(attemptFolder, ATTEMPT_FILES.order)) as AttemptOrder
  if (order.command.kind === 'command') return order
  const { runAs: _, ...ours } = order
  return ours
}

interface Attempt {
  readonly start: Start
  readonly order: AttemptOrder
  readonly claim: SupervisorClaim
  readonly log: LogFile
  readonly watch: AttemptWatch
  readonly pipe: OutputPipe
  readonly group: ControlGroup | undefined
  readonly tools: SupervisorTools
  onLeft(pids: readonly number[]): void
}

async function attempt(attempt: Attempt): Promise<AttemptEnd> {
  const { order, watch } = attempt
  try {
    const store = await attempt.tools.openStore(order.storeFolder)
    const placed = await placeFolders(order, store, attempt.log, watch.signal)
    const files = [...order.inputs, ...placed.files, ...(await checkpointFiles(order, store, attempt.log))]
    const note = (line: string) => attempt.log.note(line)
    await prepareWorkspace({ order, files, mounts: placed.mounts, store, signal: watch.signal, note })
    await Promise.race([attempt.start.confirmed, aborted(watch.signal)])
    watch.signal.throwIfAborted()
    const end = withProcessLimit(order, attempt.group, await runAndCollect(attempt, placed, store))
    return await withCheckpoint(order, end, store, attempt.log)
  } catch (error) {
    return watch.interruption ? interrupted(watch.interruption) : endOfError(error)
  }
}

async function runAndCollect(attempt: Attempt, placed: PlacedFolders, store: Store): Promise<AttemptEnd> {
  const { order, watch, group, tools } = attempt
  const argv = argvOf(attempt)
  const killsBefore = kernelMemoryKills()
  const own = attemptEnvironment(order, attempt.start.secrets)
  const secrets = Object.values(attempt.start.secrets)
  await using services = await startServices({
    ...attempt,
    takePipe: () => tools.takePipe(),
    env: own,
    secrets,
  })
  const env = { ...own, ...services.env }
  using noting = new DisposableStack()
  const exit = await runCommand(argv, env, {
    ...attempt,
    services,
    mounts: placed.mounts,
    onStart(command) {
      tools.groups.goOn()
      noting.adopt(setTimeout(noteCommand, NOTED_AFTER_MS, attempt, command), clearTimeout)
    },
  })
  noting.dispose()
  await reach('command ended', order.attemptId)
  if (order.debug) for (const line of leaveDebugNotes(order, env, order.secretNames)) attempt.log.note(line)
  if (watch.interruption)
    return { ...interrupted(watch.interruption), ...(await keepAnyway(attempt, store)), ...exitOf(exit) }
  const judged = judgeExit(order, exit, { killsBefore, group })
  const disk = judged.outcome === 'succeeded' ? await diskAtEnd(order) : undefined
  const end = disk === undefined ? judged : interrupted(disk)
  if (end.outcome === 'failed') services.showLastLines()
  return { ...(await withOutputs(attempt, end, store)), ...exitOf(exit) }
}

/** A command that ends sooner is over before anybody asks whether it runs. */
const NOTED_AFTER_MS = 20

/** Who reads the claim without it sees that the attempt runs, and not as which process. */
function noteCommand({ order, claim, log, watch }: Attempt, command: ProcessIdentity): void {
  try {
    replaceJsonFile(join(order.attemptFolder, ATTEMPT_FILES.claim), { ...claim, command })
  } catch (error) {
    noteOrEnd(log, `it could not be written down which process it is: ${String(error)}`, watch)
  }
}

function argvOf({ order, start }: Attempt): readonly [string, ...string[]] {
  const { command } = order
  return command.kind === 'command' ? ['/bin/sh', '-e', '-c', command.run] : taskArgv(start.taskEntry, order)
}

/** Outputs of what ended well, and in every case what is kept even of failures. */
async function withOutputs(attempt: Attempt, end: AttemptEnd, store: Store): Promise<AttemptEnd> {
  const { order, watch } = attempt
  const kept = await collectOutputs(order, order.keep, store, watch.signal)
  if (end.outcome !== 'succeeded') return { ...end, kept: kept.found }
  const outs = await collectOutputs(order, order.outs, store, watch.signal)
  const missing = [...outs.missing, ...kept.missing]
  if (missing.length === 0) return { ...end, outs: { ...end.outs, ...outs.found }, kept: kept.found }
  const message = `${missingInWords(missing)} ${await listWritten(order)}`
  return { ...failed('missing-outs', message), kept: kept.found }
}

/** For storing the reports of an attempt that somebody wants to see ended. */
const KEEP_MS = 10_000

/** Reports of a run that was interrupted are worth having, but not worth another failure. */
async function keepAnyway({ order, log }: Attempt, store: Store): Promise<{ kept: AttemptEnd['kept'] }> {
  try {
    return { kept: (await collectOutputs(order, order.keep, store, AbortSignal.timeout(KEEP_MS))).found }
  } catch (error) {
    log.note(`what should be kept could not be stored: ${String(error)}`)
    return { kept: {} }
  }
}

function exitOf({ exitCode, signal }: CommandExit): { exitCode?: number; signal?: string } {
  return { ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) }
}

interface Finish {
  readonly order: AttemptOrder
  readonly claim: SupervisorClaim
  readonly end: AttemptEnd
  readonly log: LogFile
  readonly mask: (text: string) => string
}

async function finish({ order, claim, end: whole, log, mask }: Finish): Promise<void> {
  await sealOrSay(order, log)
  // Masked first: of a secret that is cut off nothing would be found.
  const end = bounded(maskEnd(whole, mask))
  const logEnd = closeLog(log, end)
  const record: CompletionRecord = {
    version: 1,
    attemptId: order.attemptId,
    ...end,
    startedAt: claim.startedAt,
    endedAt: Date.now(),
    ...logEnd,
  }
  await writeRecord(order, record)
  await reach('attempt recorded', order.attemptId)
}

/** What cannot be removed is worth a line, and no reason to lose the attempt. */
async function sealOrSay(order: AttemptOrder, log: LogFile): Promise<void> {
  try {
    await sealWorkspace(order)
  } catch (error) {
    tryNote(log, `what it left behind could not be removed: ${String(error)}`)
  }
}

function tryNote(log: LogFile, line: string): void {
  try {
    log.note(line)
  } catch {
    // The disk is full. The record says how much of the log is missing.
  }
}

/** The last line of the log says why, for those who read nothing else. */
function closeLog(log: LogFile, end: AttemptEnd): LogEnd {
  if (end.message !== undefined) tryNote(log, end.message)
  try {
    return log.close()
  } catch {
    // What it had in memory still cannot be written. The second call only closes.
    return log.close()
  }
}

/**
 * Without the record the whole attempt would count as lost, and what filled the disk would run again. As a rule that lies in its
 * own workspace, which nobody needs as much; else somebody may make room.
 */
async function writeRecord(order: AttemptOrder, record: CompletionRecord): Promise<void> {
  for (let triesLeft = 60; ; triesLeft--) {
    try {
      return replaceJsonFile(join(order.attemptFolder, ATTEMPT_FILES.done), record)
    } catch (error) {
      if (!isDiskFull(error) || triesLeft === 0) throw error
      if (triesLeft === 60 && !order.debug) await removeFolder(order.workspace).catch(() => undefined)
      else await sleep(1_000)
    }
  }
}

function ownIdentity() {
  return { pid: process.pid, startTicks: readProcess(process.pid)?.startTicks ?? '0' }
}
