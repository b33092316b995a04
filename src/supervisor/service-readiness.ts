import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlanService } from '../core/plan.ts'
import { killUntilNone } from '../lib/end-processes.ts'
import { listProcesses } from '../lib/processes.ts'
import { spawnSession, type SessionPlace } from './spawn-session.ts'

interface Asked {
  readonly service: PlanService
  readonly port: number
  readonly env: Readonly<Record<string, string>>
}

/** For one question; the next one follows at once. */
const ASK_MS = 5_000

export async function isReady({ service, port, env }: Asked, place: () => SessionPlace): Promise<boolean> {
  const { ready } = service
  if (ready.kind === 'tcp') return accepts(port)
  if (ready.kind === 'http') return answers(`http://127.0.0.1:${port}${ready.path}`)
  return succeeds(ready.run, env, place())
}

/** Ports nobody listens on just now, all different. Somebody else may be faster: then the service says so. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject)
            server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
          }),
      ),
    )
  } finally {
    for (const server of servers) server.close()
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: ASK_MS })
    const answer = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => answer(true))
    socket.once('timeout', () => answer(false))
    socket.once('error', () => answer(false))
  })
}

/** On a connection of its own, closed at once: one that is kept open would keep a simple server from the step. */
async function answers(url: string): Promise<boolean> {
  // Three megabytes, for which every command that a supervisor starts would pay.
  const { get } = await import('node:http')
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ASK_MS }, (response) => {
      const { statusCode = 0 } = response
      response.destroy()
      resolve(statusCode >= 200 && statusCode < 300)
    })
    request.once('timeout', () => request.destroy())
    // Nobody listens yet, or it does not speak HTTP yet.
    request.once('error', () => resolve(false))
  })
}

/** What it prints is nobody's business: it fails until it does not. */
async function succeeds(run: string, env: Readonly<Record<string, string>>, place: SessionPlace): Promise<boolean> {
  const session = await spawnSession(['/bin/sh', '-c', run], env, place)
  const output = place.pipe.read(() => undefined)
  const end = await Promise.race([session.exited, sleep(ASK_MS, undefined, { ref: false })])
  const { pid } = session.identity
  await killUntilNone(() => listProcesses().flatMap((row) => (row.session === pid ? [row.pid] : [])), 1_000)
  output.destroy()
  return end?.exitCode === 0
}
