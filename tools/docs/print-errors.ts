import { ERRORS } from '../../src/core/errors.ts'
import { markdownTable, page, PRINTED } from './markdown.ts'
import type { Pages } from './write-pages.ts'

const INTRODUCTION = `Every refusal of the API is \`{ "error": { "code", "message", "details" } }\` with one of these codes. The command line
prints the message and exits with 2 where you asked for something that cannot be (a status of 4xx), with 3 where it could
not be done (5xx), and with 1 where the answer is "no": a run that failed, a file with problems. A step that fails is not
an error but a result: its reasons are in [states.md](states.md).`

export function printErrors(): Pages {
  const rows = Object.entries(ERRORS).map(([code, { status, meaning }]) => [`\`${code}\``, String(status), meaning])
  return {
    'docs/reference/errors.md': page(
      '# Errors',
      PRINTED,
      INTRODUCTION,
      markdownTable(['code', 'status', 'meaning'], rows),
    ),
  }
}
