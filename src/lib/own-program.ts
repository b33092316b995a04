import { accessSync, constants } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/** The PATH that we were started with, without what depends on where somebody stands. */
export function ownPath(): string {
  return (process.env['PATH'] ?? '/usr/bin:/bin').split(':').filter(isAbsolute).join(':')
}

/**
 * The program that we mean by this name, by its whole path: what a stranger's PATH leads to under the same name is
 * something else. The bare name where we have none.
 */
export function ownProgram(name: string): string {
  const places = ownPath().split(':')
  return places.map((folder) => join(folder, name)).find(isExecutable) ?? name
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
