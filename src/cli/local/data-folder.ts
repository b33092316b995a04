import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where everything is kept: what the command line says, else the file, else TIDEGATE_DATA, else a place of the user's. */
export function dataFolderOf(
  said: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
  fromFile?: string,
): string {
  return resolve(said ?? fromFile ?? environment['TIDEGATE_DATA'] ?? defaultDataFolder())
}

/** Steps run as other users when we are root, and nobody else may enter root's home. */
export function defaultDataFolder(): string {
  return process.getuid?.() === 0 ? '/var/lib/tidegate' : join(homedir(), '.tidegate')
}
