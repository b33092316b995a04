import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { version } from '../../lib/version.ts'
import { startTicksOf } from '../model-host/process-tree.ts'
import { openControlServer } from './control-server.ts'
import { Gateway } from './gateway.ts'
import { shortSocketPath } from './socket-path.ts'

/** `<folder>/gateway.json`: who serves, and where. Written when the gateway answers, removed when it ends well. */
export interface GatewayFile {
  readonly pid: number
  readonly startTicks: string
  readonly address: string
}

const DRAIN_GRACE_MS = 30_000

/**
 * The gateway's program: `--folder` is its own, `--host` and `--port` (0: any) where it listens. The model
 * hosts' bounds can be narrowed: `--infer-timeout-ms`, `--host-start-ms`, `--host-queue`. TERM drains it;
 * `--deregister-ms` says for how long it then still takes new connections.
 */
export async function runGateway(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      folder: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'infer-timeout-ms': { type: 'string' },
      'host-start-ms': { type: 'string' },
      'host-queue': { type: 'string' },
      'deregister-ms': { type: 'string', default: '0' },
    },
  })
  if (values.folder === undefined) throw new Error('--folder is missing')
  const folder = resolve(values.folder)
  const gateway = new Gateway({
    folder,
    host: values.host,
    port: Number(values.port),
    serverVersion: version(),
    hosts: {
      ...(values['infer-timeout-ms'] === undefined ? {} : { inferMs: Number(values['infer-timeout-ms']) }),
      ...(values['host-start-ms'] === undefined ? {} : { startMs: Number(values['host-start-ms']) }),
      ...(values['host-queue'] === undefined ? {} : { queue: Number(values['host-queue']) }),
    },
    log: (line) => console.log(JSON.stringify({ at: Date.now(), ...line })),
  })
  await serve(gateway, folder, Number(values['deregister-ms']))
}

async function serve(gateway: Gateway, folder: string, deregisterMs: number): Promise<void> {
  const address = await gateway.start()
  const ended = Promise.withResolvers<void>()
  let draining = false
  const drain = (): void => {
    if (draining) return
    draining = true
    gateway.drain(deregisterMs, DRAIN_GRACE_MS).then(ended.resolve, ended.reject)
  }
  const control = await openControlServer(shortSocketPath(folder, 'control.sock'), gateway, drain)
  process.on('SIGTERM', drain)
  process.on('SIGINT', drain)
  await writeGatewayFile(folder, { pid: process.pid, startTicks: startTicksOf(process.pid) ?? '', address })
  await ended.promise
  control.close()
  await rm(join(folder, 'gateway.json'), { force: true })
  process.exit(0)
}

async function writeGatewayFile(folder: string, content: GatewayFile): Promise<void> {
  const path = join(folder, 'gateway.json')
  await writeFile(`${path}.new`, JSON.stringify(content))
  await rename(`${path}.new`, path)
}

if (import.meta.main) await runGateway(process.argv.slice(2))
