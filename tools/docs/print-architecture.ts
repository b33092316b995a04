import { STAGES } from '../../src/core/stages.ts'
import { LAYERS, type Layer } from '../layers.ts'
import { markdownTable } from './markdown.ts'
import { STATE_TABLES, stateDiagram } from './state-diagrams.ts'
import { readPage, type Pages } from './write-pages.ts'

const FILE = 'ARCHITECTURE.md'

/** ARCHITECTURE.md as it is written, with what stands between its markers printed anew. */
export function printArchitecture(): Pages {
  const text = Object.entries(parts()).reduce(
    (page, [name, part]) => replacePart(page, name, part),
    readPage(FILE) ?? '',
  )
  return { [FILE]: text }
}

function parts(): Record<string, string> {
  return { stages: stagesTable(), layers: layersTable(), states: stateDiagrams() }
}

function replacePart(page: string, name: string, part: string): string {
  const [begin, end] = [`<!-- printed: ${name} -->`, `<!-- end of ${name} -->`]
  const [before, rest] = page.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`${FILE} has no ${begin} … ${end}`)
  return `${before}${begin}\n\n${part}\n\n${end}${after}`
}

function stagesTable(): string {
  const rows = STAGES.map(({ number, title, folder, page }) => [
    String(number),
    title,
    `\`${folder}/\``,
    `[${page.replace('docs/stages/', '')}](${page})`,
  ])
  return markdownTable(['#', 'stage', 'where its code lives', 'the page users read'], rows)
}

function layersTable(): string {
  const rows = Object.entries(LAYERS as Record<string, Layer>).map(([name, { meaning, mayImport, stage }]) => [
    `\`${name}\``,
    stage ?? '',
    meaning,
    mayImport.map((other) => `\`${other}\``).join(' '),
  ])
  return markdownTable(['folder of `src/`', 'stage', 'meaning', 'may import'], rows)
}

function stateDiagrams(): string {
  return Object.entries(STATE_TABLES)
    .map(([thing, table]) => `**${thing}**\n\n${stateDiagram(table)}`)
    .join('\n\n')
}
