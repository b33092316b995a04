import { basename } from 'node:path'
import { splitExtras } from './requirement-includes.ts'

/**
 * Whether only the project's build can tell what it requires: a setup.py, and a pyproject.toml that leaves its
 * dependencies to the build (`dynamic`) or to Poetry's own table. Of Poetry's groups only Poetry knows what they mean.
 */
export function isComputed(file: string, text: string | undefined): boolean {
  const { path, extras } = splitExtras(file)
  if (basename(path) === 'setup.py') return true
  if (basename(path) !== 'pyproject.toml' || text === undefined) return false
  if (/^\s*dynamic\s*=\s*\[[^\]]*["'](?:optional-)?dependencies["']/m.test(text)) return true
  if (extras.length > 0 && /^\s*\[tool\.poetry\.(group\.|dev-dependencies\])/m.test(text)) return true
  return /^\s*\[tool\.poetry\.dependencies\]/m.test(text) && !/^\s*dependencies\s*=\s*\[/m.test(text)
}
