import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { limit } from '../core/limits.ts'
import { uuidv7 } from '../lib/uuidv7.ts'
import { whenClosing, type GitContext } from './git-context.ts'
import { answerHooks, type PushInProgress } from './answer-hooks.ts'
import { settlePush } from './reconcile-pushes.ts'
import { receiveSettings } from './receive-settings.ts'
import { reflogEmail } from './ref-moved.ts'
import { drained } from './drained.ts'
import { feedGit } from './feed-git.ts'
import { bodySteps } from './request-body.ts'
import { endOf, spawnGit } from './run-git.ts'
import { tidyRepository } from './tidy-repository.ts'
import { startAnswer } from './upload-pack.ts'

/**
 * `POST git-receive-pack`: a push. Once git has the whole request it is left to end by itself, whatever the
 * pusher does: its output is read to the end also when nobody wants it, because a git that cannot write
 * dies, perhaps between two refs.
 */
export async function receivePack(
  context: GitContext,
  about: { readonly repository: string; readonly person: string; readonly folder: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = bodySteps(request, limit('pushBytes'))
  const id = uuidv7()
  const child = spawnGit(
    about.folder,
    ['receive-pack', '--stateless-rpc', about.folder],
    ['pipe', 'pipe', 'ignore', 'pipe'],
    {
      settings: receiveSettings(context.hooksFolder),
      environment: { GIT_COMMITTER_NAME: about.person, GIT_COMMITTER_EMAIL: reflogEmail(id) },
    },
  )
  const ended = endOf(child, about.folder)
  const push: PushInProgress = { id, ...about, at: Date.now(), pid: child.pid ?? 0, journaled: undefined }
  startAnswer(response, 'application/x-git-receive-pack-result')
  const sent = feedGit(body, child.stdin!)
  const hooks = answerHooks(context, push, child.stdio[3] as Socket, leaving(context, response))
  // A push that is not here yet may as well not come; git refuses what is cut short.
  whenClosing(context, response, () => request.complete || response.destroy())
  await copyToTheEnd(child.stdout!, response)
  await Promise.all([ended, sent, hooks])
  // The hook that tells of moved refs did not run, or the database was away: ask the repository.
  if (push.journaled !== undefined) await settlePush(context.database, context.dataFolder, push.journaled)
  context.releasePlace()
  await tidyRepository(about.folder, context.closing)
}

/** Aborts when nobody is there to be shown anything. */
function leaving(context: GitContext, response: ServerResponse): AbortSignal {
  const left = new AbortController()
  response.once('close', () => left.abort())
  return AbortSignal.any([left.signal, context.closing, AbortSignal.timeout(limit('pushStreamMs'))])
}

async function copyToTheEnd(source: Readable, response: ServerResponse): Promise<void> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    if (response.destroyed || response.write(chunk)) continue
    await drainedInTime(response)
  }
  response.end()
}

/** Silence from a pusher who does not read is taken for leaving, so that git can go on. */
const STALLED_MS = 60_000

async function drainedInTime(response: ServerResponse): Promise<void> {
  const timer = setTimeout(() => response.destroy(), STALLED_MS)
  await drained(response)
  clearTimeout(timer)
}
