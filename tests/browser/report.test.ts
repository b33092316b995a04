import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestServer } from '../harness/server.ts'
import { heldOut, tinyProject } from '../harness/tiny-project.ts'
import { signIn, type TestBrowser, type Visitor } from './browser.ts'
import { openPagePlace, type PagePlace } from './page-place.ts'

let opened: PagePlace
let place: TestServer
let browser: TestBrowser

beforeAll(async () => {
  opened = await openPagePlace()
  ;({ place, browser } = opened)
})

afterAll(() => opened[Symbol.asyncDispose]())

const HOSTILE = '<script>document.title="taken"</script><img src="https://evil.test/x.png" onerror="x()">'

/** Where the tab of a report ended up, and what it is. */
async function openReport({ page }: Visitor, link: string) {
  const opened = page.context().waitForEvent('page')
  const response = page.context().waitForEvent('response', (answer) => answer.url().endsWith('/report'))
  await page.getByRole('link', { name: link }).click()
  const report = await opened
  await report.getByRole('heading', { name: 'What was proved' }).waitFor()
  return { report, headers: (await response).headers() }
}

test('a candidate’s report opens from its run and its version, and runs and loads nothing', async () => {
  const dev = await place.person('dev')
  const project = await place.project('proved', tinyProject())
  await project.commit({ 'readme.md': 'hello' }, HOSTILE)
  await project.push(dev)
  const visitor = await browser.visitor()
  const asked: string[] = []
  visitor.page.context().on('request', (request) => asked.push(request.url()))
  await signIn(visitor.page, place.server.address, dev.token)
  await visitor.page.goto(`${place.server.address}/proved/runs/1`)

  const { report, headers } = await openReport(visitor, 'report of the candidate')
  const facts = await report.evaluate(() => ({
    origin: (globalThis as { origin?: string }).origin,
    scripts: (globalThis as unknown as PageLike).document.querySelectorAll('script, img, iframe, link, form').length,
    title: (globalThis as unknown as PageLike).document.title,
  }))
  const text = (await report.locator('main').textContent()) ?? ''
  const plots = await report.getByRole('img').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))
  await visitor.page.getByRole('link', { name: 'registered as version 1' }).click()
  const again = await openReport(visitor, 'The report')

  expect(facts).toEqual({ origin: 'null', scripts: 0, title: 'proved#1: report of the candidate' })
  expect(headers['content-security-policy']).toContain('sandbox')
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(text).toContain('<script>document.title')
  expect(text).toContain('accuracy')
  expect(plots).toContain('metrics with intervals')
  expect(again.report.url()).toBe(report.url())
  expect(asked.filter((url) => !url.startsWith(place.server.address))).toEqual([])
})

test('a report is for those who may see the project; a run that made none leads to none', async () => {
  const dev = await place.person('dev')
  const project = await place.project('hidden', tinyProject({ files: { 'rows.csv': heldOut(60, 30) } }))
  await project.push(dev)
  const address = `${place.server.address}/api/v1/projects/hidden/runs/1/report`

  const stranger = await browser.visitor()
  const answer = await stranger.page.goto(address)
  const { page } = await browser.visitor('dark').then(async (visitor) => {
    await signIn(visitor.page, place.server.address, dev.token)
    return visitor
  })
  await page.goto(`${place.server.address}/hidden/runs/1`)
  await page.getByRole('link', { name: 'report of the candidate' }).waitFor()
  await project.commit({ 'tidegate.yaml': 'steps: { unit: { stage: unit-tests, run: "true" } }\n' })
  await project.push(dev)
  await page.goto(`${place.server.address}/hidden/runs/2`)
  await page.getByRole('heading', { level: 1, name: '#2' }).waitFor()

  expect(answer?.status()).toBe(401)
  expect((await project.run(1)).hasReport).toBe(true)
  expect((await project.run(2)).hasReport).toBe(false)
  expect(await page.getByRole('link', { name: 'report' }).count()).toBe(0)
})

/** What this file needs of a page; the project's types know no browser. */
interface PageLike {
  readonly document: { readonly title: string; querySelectorAll(what: string): { readonly length: number } }
}
