import type { Command } from 'commander'
import { wholeNumber } from '../whole-number.ts'

interface UpOptions {
  readonly config?: string
  readonly data?: string
  readonly port?: number
  readonly gatewayPort?: number
}

/** `tidegate up`: everything on this machine, until a signal ends it. */
export function registerUp(program: Command): void {
  program
    .command('up')
    .description('start the server: API, web page, git, engine, gateway')
    .option('--config <file>', 'server.yaml; `tidegate doctor --config` tries each line of it')
    .option(
      '--data <folder>',
      'where everything is kept; default: TIDEGATE_DATA, else ~/.tidegate (root: /var/lib/tidegate)',
    )
    .option('--port <port>', 'API, web page and git; 0 takes a free one', wholeNumber(0, 65_535))
    .option('--gateway-port <port>', 'predictions; 0 takes a free one', wholeNumber(0, 65_535))
    .action(up)
}

async function up(options: UpOptions): Promise<void> {
  const { readServerConfig } = await import('./server-config.ts')
  const { startServer } = await import('../../app.ts')
  const config = await readServerConfig({
    file: options.config,
    data: options.data,
    port: options.port,
    gatewayPort: options.gatewayPort,
  })
  const stopped = nextSignal()
  const server = await startServer(config)
  console.log(`Tidegate is up: ${server.address}`)
  console.log(`Predictions:    ${server.gatewayAddress}`)
  console.log(`Data:           ${config.dataFolder}`)
  if (server.adminTokenFile !== undefined) {
    console.log(`First start: the administrator's token is in ${server.adminTokenFile}`)
    console.log(`  tidegate login --server ${server.address} --token "$(cat ${server.adminTokenFile})"`)
  }
  await stopped
  await server[Symbol.asyncDispose]()
  await server.stopGateway()
}

/** Ctrl-C and TERM end it in order; steps that run go on, and are found by the next start. */
function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
