import { join } from 'node:path'
import { ATTEMPT_FILES, type SupervisorClaim } from '../../src/core/attempt-files.ts'
import { readJsonFile } from '../../src/lib/json-file.ts'
import { isSameProcess, listProcesses } from '../../src/lib/processes.ts'
import type { TestServerProcess } from '../harness/server-process.ts'
import { readMark } from './read-mark.ts'

export const VICTIMS = {
  server: 'the server, at any moment',
  point: 'the server or a supervisor, with something half done',
  supervisor: 'the supervisor of a step',
  command: 'the process of a step',
  gateway: 'the gateway',
  all: 'all of them at once',
} as const satisfies Record<string, string>

export type Victim = keyof typeof VICTIMS

interface Marked {
  readonly pid: number
  readonly folder: string
}

/** Processes of commands under way in this data folder. */
export function commandsOf(dataFolder: string): Marked[] {
  return listProcesses().flatMap(({ pid }) => {
    const folder = readMark(pid)
    return folder?.startsWith(join(dataFolder, 'attempts')) === true ? [{ pid, folder }] : []
  })
}

/** Of those commands. */
export function supervisorsOf(commands: readonly Marked[]): number[] {
  const folders = new Set(commands.map(({ folder }) => folder))
  return [...folders].flatMap((folder) => {
    const claim = readJsonFile(join(folder, ATTEMPT_FILES.claim)) as SupervisorClaim | undefined
    return claim !== undefined && isSameProcess(claim.supervisor) ? [claim.supervisor.pid] : []
  })
}

export function gatewayOf({ dataFolder }: Pick<TestServerProcess, 'dataFolder'>): number | undefined {
  const file = readJsonFile(join(dataFolder, 'gateway', 'gateway.json')) as SupervisorClaim['supervisor'] | undefined
  return file !== undefined && isSameProcess(file) ? file.pid : undefined
}

/** It may have ended by itself just now. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone.
  }
}
