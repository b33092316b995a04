import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/tidegate.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `tidegate up` where it is going to refuse: what it said, and with which code it ended. */
export function upUntilEnd(dataFolder: string, ...more: readonly string[]): Promise<Ended> {
  const ports = ['--port', '0', '--gateway-port', '0']
  const { TIDEGATE_DATABASE_URL: _, ...env } = process.env
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [PROGRAM, 'up', '--data', dataFolder, ...ports, ...more],
      { env },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}
