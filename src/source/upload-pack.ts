import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { protocolOf, type GitRequest } from './git-request.ts'
import { closeWhenIdle } from './idle.ts'
import { receiveSettings } from './receive-settings.ts'
import { feedGit } from './feed-git.ts'
import { bodySteps } from './request-body.ts'
import { endOf, keepTail, spawnGit, type GitSettings } from './run-git.ts'

const UPLOAD_SETTINGS: GitSettings = {
  'uploadpack.allowFilter': 'true',
  'uploadpack.allowReachableSHA1InWant': 'true',
  'transfer.hideRefs': 'refs/tidegate',
}

/** `GET info/refs`: what there is to fetch, or to push onto. */
export async function advertiseRefs(
  hooksFolder: string,
  asked: GitRequest,
  repository: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Pushing speaks version 0 only.
  const protocol = asked.service === 'upload-pack' ? protocolOf(request.headers['git-protocol']) : undefined
  const settings = asked.service === 'upload-pack' ? UPLOAD_SETTINGS : receiveSettings(hooksFolder)
  const child = spawnGit(
    repository,
    [asked.service, '--stateless-rpc', '--advertise-refs', repository],
    ['ignore', 'pipe', 'pipe'],
    { settings, environment: protocolEnvironment(protocol) },
  )
  startAnswer(response, `application/x-git-${asked.service}-advertisement`)
  if (protocol === undefined || !protocol.includes('version=2')) response.write(serviceHeader(asked.service))
  await streamAnswer(child, repository, response)
}

/** `POST git-upload-pack`: a fetch or clone. Git ends with its client. */
export async function uploadPack(
  repository: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = bodySteps(request, limit('apiBodyBytes'))
  const child = spawnGit(repository, ['upload-pack', '--stateless-rpc', repository], ['pipe', 'pipe', 'pipe'], {
    settings: UPLOAD_SETTINGS,
    environment: protocolEnvironment(protocolOf(request.headers['git-protocol'])),
  })
  startAnswer(response, 'application/x-git-upload-pack-result')
  const sent = feedGit(body, child.stdin!)
  await streamAnswer(child, repository, response)
  await sent
}

async function streamAnswer(
  child: ReturnType<typeof spawnGit>,
  repository: string,
  response: ServerResponse,
): Promise<void> {
  const ended = endOf(child, repository)
  const errors = keepTail(child.stderr!)
  const left = () => child.kill('SIGKILL')
  response.once('close', left)
  const stopWatching = closeWhenIdle(response, child.stdout!)
  try {
    await pipeline(child.stdout!, response)
  } catch (error) {
    if (!response.destroyed) throw error
  } finally {
    stopWatching()
    response.off('close', left)
    child.stdin?.destroy()
  }
  const code = await ended
  // A signal is ours, after the client left; 128 is git's answer to a client that hung up or made no sense.
  if (code !== 0 && code !== 128 && code !== null) {
    throw new AppError('INTERNAL', `git ended with ${code}: ${errors()}`)
  }
}

export function startAnswer(response: ServerResponse, contentType: string): void {
  response.writeHead(200, {
    'Content-Type': contentType,
    'Cache-Control': 'no-cache, max-age=0, must-revalidate',
    Pragma: 'no-cache',
    Expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  })
  response.flushHeaders()
}

/** A packet of git's: four hexadecimal digits of length, then the text; `0000` ends the section. */
function serviceHeader(service: string): string {
  const line = `# service=git-${service}\n`
  return `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`
}

function protocolEnvironment(protocol: string | undefined): Record<string, string> {
  return protocol === undefined ? {} : { GIT_PROTOCOL: protocol }
}
