import type { Socket } from 'node:net'
import { basename, join } from 'node:path'
import { reach } from '../core/points.ts'
import type { GitContext } from './git-context.ts'
import { readHookMessages, type HookMessage, type RefUpdate } from './hook-messages.ts'
import { removeJournalEntry, writeJournalEntry, type JournalEntry } from './push-journal.ts'
import { recordPush } from './pushes.ts'
import type { GitCall } from './run-git.ts'
import { showProgress } from './show-progress.ts'

export interface PushInProgress {
  readonly id: string
  readonly repository: string
  /** Where that is. */
  readonly folder: string
  readonly person: string
  readonly at: number
  readonly pid: number
  /** Set from before refs move until the rows are there. */
  journaled: JournalEntry | undefined
}

/** The server's half of the hooks of one push; returns when git has closed its end. Never throws. */
export async function answerHooks(
  context: GitContext,
  push: PushInProgress,
  socket: Socket,
  leaving: AbortSignal,
): Promise<void> {
  // A hook that is killed breaks the socket; the end of git says all there is to know.
  socket.on('error', () => undefined)
  try {
    for await (const message of readHookMessages(socket)) {
      if (message.kind === 'pre') socket.write(`${await permit(context, push, message)}\n`)
      else await welcome(context, push, message, socket, leaving)
    }
  } catch (error) {
    context.onError(error, push.repository)
  }
  socket.destroy()
}

/** Refs are about to move: `ok` once that is on disk. Any other answer refuses the push and is shown. */
async function permit(context: GitContext, push: PushInProgress, message: HookMessage): Promise<string> {
  const { updates } = message
  const bad = message.strange[0] ?? updates.find((update) => !isPlainRef(update.ref))?.ref
  if (bad !== undefined) return `${shown(bad)} cannot be pushed here: only names under refs/ can.`
  const refused = await refusal(context, push, message)
  if (refused !== undefined) return shown(refused)
  const { id, repository, person, at, pid } = push
  const entry = { id, repository, person, at, pid, updates }
  try {
    await writeJournalEntry(context.dataFolder, entry)
    push.journaled = entry
    return 'ok'
  } catch (error) {
    context.onError(error, repository)
    return 'Tidegate cannot write to its data folder, so it does not take the push. Its log says why.'
  }
}

async function refusal(
  context: GitContext,
  { repository, folder, person }: PushInProgress,
  { updates, quarantine }: HookMessage,
): Promise<string | undefined> {
  try {
    return await context.refusal({ repository, person, updates, call: readQuarantine(folder, quarantine) })
  } catch (error) {
    context.onError(error, repository)
    return 'Tidegate cannot find out what this push changes, so it does not take it. Its log says why.'
  }
}

function readQuarantine(folder: string, quarantine: string): GitCall {
  if (quarantine === '') return {}
  // In quotes: a colon in the name of the data folder would end it.
  const objects = JSON.stringify(join(folder, 'objects', basename(quarantine)))
  return { environment: { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects } }
}

/** The name becomes a path in the repository, and git checks it only after this. */
function isPlainRef(ref: string): boolean {
  return ref.startsWith('refs/') && !ref.includes('..') && !ref.includes('\0')
}

/** Refs have moved: rows, then what the pusher sees. */
async function welcome(
  context: GitContext,
  push: PushInProgress,
  message: HookMessage,
  socket: Socket,
  leaving: AbortSignal,
): Promise<void> {
  const say = (line: string) => socket.write(`|${shown(line)}\n`)
  try {
    const { id, repository, person, at } = push
    await reach('refs moved', id)
    await recordPush(context.database, { id, repository, person, at, updates: permitted(push, message.updates) })
    await reach('push recorded', id)
    await removeJournalEntry(context.dataFolder, id)
    push.journaled = undefined
  } catch (error) {
    context.onError(error, push.repository)
    say('The push is stored. Its run starts as soon as the database answers again.')
    socket.end('.\n')
    return
  }
  context.releasePlace()
  const isDetached = message.options.some((option) => option === 'detach' || option === 'tidegate.detach')
  const { id, repository, person } = push
  await showProgress(context, { id, repository, person, isDetached }, say, leaving)
  socket.end('.\n')
}

/** Whatever a hook says: what nobody permitted has not moved. */
function permitted({ journaled }: PushInProgress, updates: readonly RefUpdate[]): RefUpdate[] {
  const nameOf = ({ ref, oldCommit, newCommit }: RefUpdate) => `${oldCommit} ${newCommit} ${ref}`
  const asked = new Set(journaled?.updates.map(nameOf))
  return updates.filter((update) => asked.has(nameOf(update)))
}

/** One line without anything that could move the cursor or colour the pusher's terminal. */
function shown(line: string): string {
  return line.replaceAll(/\p{Cc}+/gu, ' ')
}
