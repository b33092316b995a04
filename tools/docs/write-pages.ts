import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Printed files by their path in the repository. */
export type Pages = Readonly<Record<string, string>>

const ROOT = join(import.meta.dirname, '../..')

export function writePages(pages: Pages): void {
  for (const [path, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), text)
  }
}

/** Pages whose file is not there or says something else. */
export function stalePages(pages: Pages): string[] {
  return Object.keys(pages).filter((path) => readPage(path) !== pages[path])
}

/** Undefined where there is no such file. */
export function readPage(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
