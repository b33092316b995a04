import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** Preloaded into a command: writes down each file that is imported, one a line. */
const file = process.env['NOTE_IMPORTS'] ?? ''

registerHooks({
  load(url, context, next) {
    appendFileSync(file, `${url}\n`)
    return next(url, context)
  },
})
