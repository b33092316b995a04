import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

/** The floor under every step: a shell with its output in a file, started by Node, until it has ended. */
export async function bareSpawn(folder: string, run: string): Promise<void> {
  const log = openSync(join(folder, 'bare.log'), 'w')
  const child = spawn('/bin/sh', ['-e', '-c', run], { stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  await once(child, 'exit')
}
