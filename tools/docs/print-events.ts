import { EVENTS } from '../../src/core/events.ts'
import { markdownTable, page, PRINTED } from './markdown.ts'
import type { Pages } from './write-pages.ts'

const INTRODUCTION = `What happened, once, in the order in which it was committed. \`GET /api/v1/events\` lists events and
\`GET /api/v1/events/stream\` sends them as they happen; both take \`?project=\` and \`?after=\` with the last id you know. An event is
\`{ id, at, kind, project, subject, data }\`: \`at\` is UTC in milliseconds since 1970, \`subject\` names what it is about
(\`digits#12\`, \`digits#12/train\`, \`digits@3\`, \`digits/production\`). Events of steps and attempts are kept for a time
(\`stepEventKeepMs\` in [limits](limits.md)): afterwards the rows of their run tell the same. All others stay.`

export function printEvents(): Pages {
  const rows = Object.entries(EVENTS).map(([kind, meaning]) => [`\`${kind}\``, meaning])
  return {
    'docs/reference/events.md': page('# Events', PRINTED, INTRODUCTION, markdownTable(['kind', 'when'], rows)),
  }
}
