import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'

/** All zeros: the ref did not exist before, or does not after. */
export const NO_COMMIT = '0'.repeat(40)

export interface RefUpdate {
  readonly ref: string
  readonly oldCommit: string
  readonly newCommit: string
}

/** What a hook says: `pre` before refs move, `post` with those that have moved. */
export interface HookMessage {
  readonly kind: 'pre' | 'post'
  readonly updates: readonly RefUpdate[]
  /** What stood in place of an update and is none: names of refs with line breaks in them. */
  readonly strange: readonly string[]
  readonly options: readonly string[]
  /** The folder in `objects` in which git keeps what a push brings until refs move; '' when it brings nothing. */
  readonly quarantine: string
}

/** Messages of both hooks of one push, as they come. A message cut short by a dying hook is dropped. */
export async function* readHookMessages(socket: Readable): AsyncGenerator<HookMessage> {
  let message: GrowingMessage | undefined
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
    if (line === 'pre' || line === 'post') {
      message = { kind: line, updates: [], strange: [], options: [], quarantine: '' }
    } else if (line === 'end' && message !== undefined) {
      yield message
      message = undefined
    } else if (message !== undefined) {
      addLine(message, line)
    }
  }
}

interface GrowingMessage extends HookMessage {
  readonly updates: RefUpdate[]
  readonly strange: string[]
  readonly options: string[]
  quarantine: string
}

function addLine(message: GrowingMessage, line: string): void {
  const [word] = line.split(' ', 1)
  const said = line.slice(line.indexOf(' ') + 1)
  if (word === 'quarantine') message.quarantine = said
  if (word === 'option') message.options.push(said)
  if (word === 'ref') addUpdate(message, said)
}

const UPDATE = /^(?<oldCommit>[0-9a-f]{40,64}) (?<newCommit>[0-9a-f]{40,64}) (?<ref>.+)$/

function addUpdate(message: GrowingMessage, said: string): void {
  const found = UPDATE.exec(said)?.groups
  if (found === undefined) message.strange.push(said)
  else message.updates.push({ ref: found['ref']!, oldCommit: found['oldCommit']!, newCommit: found['newCommit']! })
}
