import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError, isAppError } from '../core/errors.ts'
import { whenClosing, type GitContext, type GitServerOptions } from './git-context.ts'
import { parseGitRequest, isGitPath, tokenOf, type GitRequest } from './git-request.ts'
import { writeHooks } from './hooks.ts'
import { getRepository } from './projects.ts'
import { receivePack } from './receive-pack.ts'
import { ensureRepository } from './repositories.ts'
import { advertiseRefs, uploadPack } from './upload-pack.ts'

/** Closing it lets go of all pushers and waits until every `receive-pack` has ended and is recorded. */
export interface GitServer extends AsyncDisposable {
  /** False, and nothing done, when the path is not one of git's. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<boolean>
}

/** Git at work at once; more are asked to come back. A push that only shows its run is not counted. */
const MAX_WORKING = 32

export async function createGitServer(options: GitServerOptions): Promise<GitServer> {
  const hooksFolder = await writeHooks(options.dataFolder)
  const closing = new AbortController()
  const requests = new Set<Promise<void>>()
  let working = 0

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (working >= MAX_WORKING) throw new AppError('OVERLOADED', 'Too many pushes and clones at once. Try again soon.')
    working += 1
    let holdsPlace = true
    const releasePlace = () => {
      if (holdsPlace) working -= 1
      holdsPlace = false
    }
    try {
      await answer({ ...options, hooksFolder, closing: closing.signal, releasePlace }, request, response)
    } finally {
      releasePlace()
    }
  }

  return {
    async handle(request, response) {
      if (!isGitPath(request.url ?? '')) return false
      const served = serve(request, response).catch((error: unknown) => refuse(options, error, request, response))
      requests.add(served)
      await served.finally(() => requests.delete(served))
      return true
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await Promise.all(requests)
    },
  }
}

async function answer(context: GitContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseGitRequest(request.method ?? '', request.url ?? '')
  if (asked === undefined) throw new AppError('NOT_FOUND', 'Only smart HTTP is spoken here. Use git 2.0 or newer.')
  const person = await authorizeRequest(context, asked, request)
  const { name, defaultBranch } = await getRepository(context.database.read, asked.repository)
  const folder = await ensureRepository(context.dataFolder, { repository: name }, defaultBranch)
  if (asked.kind === 'call' && asked.service === 'receive-pack') {
    return receivePack(context, { repository: name, person, folder }, request, response)
  }
  whenClosing(context, response, () => response.destroy())
  if (asked.kind === 'advertise') return advertiseRefs(context.hooksFolder, asked, folder, request, response)
  return uploadPack(folder, request, response)
}

function authorizeRequest(context: GitContext, asked: GitRequest, request: IncomingMessage): Promise<string> {
  const token = tokenOf(request.headers.authorization)
  if (token === undefined) {
    throw new AppError('UNAUTHENTICATED', 'Give a Tidegate token as the password; any user name will do.')
  }
  return context.authorize(token, asked.repository, asked.service === 'receive-pack' ? 'write' : 'read')
}

/** Git shows the text of a plain answer to its user, each line behind `remote:`. */
function refuse(options: GitServerOptions, error: unknown, request: IncomingMessage, response: ServerResponse): void {
  const known = isAppError(error) && error.status < 500
  const overloaded = isAppError(error, 'OVERLOADED')
  if (!known && !overloaded) options.onError(error, request.url ?? '')
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  if (isAppError(error, 'UNAUTHENTICATED')) response.setHeader('WWW-Authenticate', 'Basic realm="Tidegate"')
  if (overloaded) response.setHeader('Retry-After', '5')
  // What was not read of the body would be taken for the next request.
  response.setHeader('Connection', 'close')
  response.writeHead(isAppError(error) ? error.status : 500, { 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(`${known || overloaded ? error.message : 'Tidegate failed; its log says why.'}\n`)
}
