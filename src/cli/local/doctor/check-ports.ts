import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ServerConfig } from '../server-config.ts'
import { missing, ok, type Check } from './check.ts'

export async function checkPorts(config: ServerConfig): Promise<Check[]> {
  const own = await ownPorts(config.dataFolder)
  return [
    await checkPort('port', config.host, config.port, own),
    await checkPort('gateway port', config.host, config.gatewayPort, own),
  ]
}

async function checkPort(check: string, host: string, port: number, own: ReadonlySet<number>): Promise<Check> {
  if (port === 0) return ok(check, 'any free one')
  const why = await whyTaken(host, port)
  if (why === undefined) return ok(check, `${host}:${port} is free`)
  if (own.has(port)) return ok(check, `${host}:${port} is used by the Tidegate of this data folder`)
  const option = check === 'port' ? '--port' : '--gateway-port'
  return missing(
    check,
    `${host}:${port} cannot be used: ${why}`,
    `Stop what uses it, or choose another with ${option}; 0 takes a free one.`,
  )
}

/** Undefined: it is free. */
async function whyTaken(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen(port, host)
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    server.close()
  }
}

/** Of the server that was last up on this data folder. */
async function ownPorts(dataFolder: string): Promise<Set<number>> {
  const text = await readFile(join(dataFolder, 'server.json'), 'utf8').catch(() => '{}')
  const { address, gateway } = JSON.parse(text) as { address?: string; gateway?: string }
  return new Set([address, gateway].flatMap((url) => (url === undefined ? [] : [Number(new URL(url).port)])))
}
