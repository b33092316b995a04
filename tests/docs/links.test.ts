import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { STAGES } from '../../src/core/stages.ts'
import { anchorsOf, proseOf, readPages, ROOT, type DocsPage } from './pages.ts'

const pages = await readPages()

test.each(pages.map((page) => [page.path, page] as const))('every link of %s leads somewhere', (_path, page) => {
  const broken = linksOf(page).filter((link) => !leadsSomewhere(page, link))

  expect(broken).toEqual([])
})

test.each(STAGES)('the page of stage $number is titled as the stage is and says what it does not do', (stage) => {
  const page = pages.find(({ path }) => path === stage.page)

  expect(page?.text.split('\n')[0]).toBe(`# ${stage.number}. ${stage.title}`)
  expect(page === undefined ? [] : anchorsOf(page)).toContain('what-it-does-not-do')
})

test('every page of docs can be reached from the README', () => {
  const reached = new Set<string>()
  const open = ['README.md']
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    // A link to a folder shows what is in it.
    for (const page of pages.filter((one) => one.path === path || (path?.endsWith('/') && one.path.startsWith(path)))) {
      if (reached.has(page.path)) continue
      reached.add(page.path)
      open.push(...linksOf(page).map((link) => targetOf(page, link).file))
    }
  }

  expect(pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !reached.has(path))).toEqual([])
})

/** Links and images inside the repository. */
function linksOf(page: DocsPage): string[] {
  return [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
}

function leadsSomewhere(page: DocsPage, link: string): boolean {
  const { file, anchor } = targetOf(page, link)
  if (!existsSync(join(ROOT, file))) return false
  if (anchor === undefined) return true
  const target = pages.find(({ path }) => path === file)
  return target !== undefined && anchorsOf(target).includes(anchor)
}

function targetOf(page: DocsPage, link: string): { file: string; anchor: string | undefined } {
  const [path = '', anchor] = link.split('#')
  return { file: path === '' ? page.path : normalize(join(dirname(page.path), path)), anchor }
}
