import { END_REASONS } from '../../src/core/run-state.ts'
import { finalStates } from '../../src/core/transitions.ts'
import { markdownTable, page, PRINTED } from './markdown.ts'
import { STATE_TABLES, stateDiagram } from './state-diagrams.ts'
import type { Pages } from './write-pages.ts'

const INTRODUCTION = `Everything that may happen to a thing stands in its table; anything else is refused with \`STATE_CONFLICT\`. What has
reached a final state never moves again: running something again makes a new run.`

const REASONS = `Why an attempt did not succeed. \`retry: { on: […] }\` of a step names those after which another attempt opens;
\`cancelled\` and \`refused\` are never retried.`

const DEPLOYMENT_WORDS = `\`queued\` waits for the environment, which has one active deployment at a time. \`awaiting-approval\` waits for people,
\`approved\` for the window and for a model host, \`starting\` for the model to load. \`rolling-out\` moves traffic by phases under
guard rails; \`held\` keeps the weight until a person, a window or data says go on. \`awaiting-acceptance\` serves while testers
judge. \`live\` serves all traffic, with the guard rails still on through \`observe\`.`

export function printStates(): Pages {
  const sections = Object.entries(STATE_TABLES).flatMap(([thing, table]) => [
    `## The states of ${thing.startsWith('a') ? 'an' : 'a'} ${thing}`,
    stateDiagram(table),
    thing === 'deployment' ? DEPLOYMENT_WORDS : '',
    `Final: ${finalStates(table)
      .map((state) => `\`${state}\``)
      .join(', ')}.`,
  ])
  const reasons = Object.entries(END_REASONS).map(([reason, meaning]) => [`\`${reason}\``, meaning])
  return {
    'docs/reference/states.md': page(
      '# States',
      PRINTED,
      INTRODUCTION,
      ...sections,
      '## Why an attempt ended',
      REASONS,
      markdownTable(['reason', 'meaning'], reasons),
    ),
  }
}
