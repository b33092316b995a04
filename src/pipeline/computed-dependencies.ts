import { basename } from 'node:path'

/**
 * Whether only the project's build can tell what it requires: a setup.py, and a pyproject.toml that leaves its
 * dependencies to the build (`dynamic`) or to Poetry's own table.
 */
export function isComputed(path: string, text: string | undefined): boolean {
  if (basename(path) === 'setup.py') return true
  if (basename(path) !== 'pyproject.toml' || text === undefined) return false
  if (/^\s*dynamic\s*=\s*\[[^\]]*["'](?:optional-)?dependencies["']/m.test(text)) return true
  return /^\s*\[tool\.poetry\.dependencies\]/m.test(text) && !/^\s*dependencies\s*=\s*\[/m.test(text)
}
