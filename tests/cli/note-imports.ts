import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** Preloaded into a command: writes down each file that is imported, one a line. */
const file = process.env['NOTE_IMPORTS'] ?? ''

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    appendFileSync(file, `${found.url}\n`)
    return found
  },
})
