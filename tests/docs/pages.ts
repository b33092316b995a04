import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

export interface DocsPage {
  /** In the repository. */
  readonly path: string
  readonly text: string
}

export interface FencedBlock {
  readonly language: string
  readonly text: string
  /** Of its first line. */
  readonly line: number
}

/** Every page that people read: the root's, `docs/`, the examples' and those beside the code. */
export async function readPages(): Promise<DocsPage[]> {
  const folders = ['docs', 'examples', 'src', 'web/src', 'bench']
  const below = await Promise.all(folders.map((folder) => markdownBelow(folder)))
  const top = (await readdir(ROOT)).filter((name) => name.endsWith('.md'))
  return [...top, ...below.flat()].sort().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

async function markdownBelow(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md') && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
}

export function blocksOf(page: DocsPage): FencedBlock[] {
  const blocks: FencedBlock[] = []
  let open: { language: string; lines: string[]; line: number } | undefined
  for (const [index, line] of page.text.split('\n').entries()) {
    const fence = /^ *```(\w*)/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { language: fence[1] ?? '', lines: [], line: index + 2 }
    else {
      blocks.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line })
      open = undefined
    }
  }
  return blocks
}

/** Without fenced blocks and inline code: what is left holds the links. */
export function proseOf(page: DocsPage): string {
  return page.text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').replaceAll(/`[^`\n]*`/g, '')
}

/** As pages that show Markdown name a heading's place. */
export function anchorsOf(page: DocsPage): string[] {
  return page.text
    .replaceAll(/^ *```[\s\S]*?^ *```/gm, '')
    .split('\n')
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
}
