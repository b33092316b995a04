import { readFileSync } from 'node:fs'
import { packageFile } from './own-files.ts'

let known: string | undefined

/** Of this package, from its package.json. */
export function version(): string {
  known ??= (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version
  return known
}
