import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { chromium, type Browser, type Page } from 'playwright-core'

/** Debian's; CONTRIBUTING.md says how a contributor on another system names theirs. */
const EXECUTABLE = process.env['TIDEGATE_TEST_BROWSER'] ?? '/usr/bin/chromium'

/** Nothing that would speak to anybody but the server under test. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A real browser with a fresh profile. */
export interface TestBrowser extends AsyncDisposable {
  /** Somebody of their own at the browser: no storage or cookies are shared. */
  visitor(look?: 'light' | 'dark'): Promise<Visitor>
}

export interface Visitor {
  readonly page: Page
  /** What went wrong inside the page: exceptions, and everything the content security policy stopped. */
  readonly troubles: string[]
}

export async function openBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: ARGS })
  return {
    visitor: (look = 'light') => newVisitor(browser, look),
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

async function newVisitor(browser: Browser, look: 'light' | 'dark'): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1340, height: 900 }, colorScheme: look })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const troubles: string[] = []
  page.on('pageerror', (error) => troubles.push(error.message))
  page.on('console', (message) => {
    // Refusals of the API are expected, and asked for in words; the browser notes each of them here as well.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      troubles.push(message.text())
  })
  return { page, troubles }
}

/** Types the token where a person would. */
export async function signIn(page: Page, address: string, token: string): Promise<void> {
  await page.goto(`${address}/sign-in`)
  await page.getByLabel('Token').fill(token)
  await page.getByLabel('Token').press('Enter')
  await page.getByRole('heading', { name: 'Projects' }).waitFor()
}

/** Whatever can be used on this page and has no name that could be read out. */
export function unnamedControls(page: Page): Promise<string[]> {
  const controls = page.locator('button, a[href], input, textarea, canvas, [role=img], [role=group], section')
  return controls.evaluateAll((all) => {
    const isNamed = (one: ControlLike) =>
      [one.getAttribute('aria-label'), one.getAttribute('aria-labelledby'), one.textContent].some(Boolean) ||
      (one.labels?.length ?? 0) > 0
    return (all as unknown as ControlLike[]).filter((one) => !isNamed(one)).map((one) => one.outerHTML)
  })
}

/** What this file needs of an element; the project's types know no browser. */
interface ControlLike {
  readonly outerHTML: string
  readonly textContent: string
  readonly labels?: { readonly length: number } | null
  getAttribute(name: string): string | null
}

/**
 * The page as it is now, where servers of this repository serve it from. Nothing is taken away before: files of tests
 * that run beside this one are looking at it.
 */
export async function buildPage(): Promise<void> {
  const root = new URL('../../', import.meta.url).pathname
  const build = [`${root}node_modules/vite/bin/vite.js`, 'build', '--emptyOutDir=false']
  await promisify(execFile)(process.execPath, build, { cwd: `${root}web` })
}
