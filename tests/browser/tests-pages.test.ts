import { afterAll, beforeAll, expect, test } from 'vitest'
import { getTest } from '../../src/api/tests.ts'
import type { TestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'
import { signIn, unnamedControls, type TestBrowser } from './browser.ts'
import { openPagePlace, type PagePlace } from './page-place.ts'
import { REPORT, reporting } from './page-project.ts'

let opened: PagePlace
let place: TestServer
let browser: TestBrowser

beforeAll(async () => {
  opened = await openPagePlace()
  ;({ place, browser } = opened)
})

afterAll(() => opened[Symbol.asyncDispose]())

const ODD = 'test_all[a::b/../c?d=<i>&"50%"]'
const MANY = Array.from({ length: 120 }, (_, i) => `<testcase classname="many" name="test_${i}" time="${i / 100}"/>`)

/** Two tests of ink that pass, one with every sign in its name, and many more. */
const PASSING = `<testsuite name="unit">
  <testcase classname="test_ink" name="" time="-1e999"/>
  <testcase classname="test_ink" name="test_reads_ink" time="0.01"/>
  <testcase classname="test_ink" name="test_blank" time="0.02"/>
  <testcase classname="test_ink" name="${ODD.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')}" time="3.5"/>
  ${MANY.join('\n')}
</testsuite>
`

test('from a failed run to the test: what it said, its runs, and a search that stands in the address', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('followed', reporting(REPORT))
  await project.push(dev)
  await project.commit(reporting(PASSING), 'mended')
  await project.push(dev)
  await signIn(page, place.server.address, dev.token)

  const named = async (name: string) =>
    (await dev.client.call(getTest, { params: { project: 'followed' }, query: { test: name } })).name
  expect([await named(ODD), await named(`test_ink.py::${ODD}`)]).toEqual([ODD, ODD])

  await page.goto(`${place.server.address}/followed/runs/1`)
  await page.getByRole('link', { name: 'test_blank' }).click()
  await page.getByRole('heading', { level: 1, name: 'test_blank' }).waitFor()
  await page.getByText('ran 2 times since, failed 1 time (50 %)').waitFor()
  const said = await page.getByRole('article', { name: 'assert 3 == 4' }).textContent()
  const durations = page.getByRole('list', { name: 'How long the test took in each run' }).getByRole('link')
  const told = await durations.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))
  const unnamedOfTest = await unnamedControls(page)

  expect(said).toContain('test_ink.py:14: AssertionError')
  expect(said).toContain('once lately, last in followed#1')
  expect(told).toEqual([
    expect.stringMatching(/^followed#1, unit: failed in 20 ms, main at [0-9a-f]{8}$/),
    expect.stringMatching(/^followed#2, unit: passed in 20 ms, main at [0-9a-f]{8}$/),
  ])

  await page.getByRole('link', { name: 'Tests', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Tests of followed' }).waitFor()
  const rows = page.getByRole('table').getByRole('row')
  await page.getByRole('button', { name: 'More tests' }).click()
  await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(101)
  await page.getByRole('link', { name: 'Slowest' }).click()
  await rows.nth(1).getByText(ODD).waitFor()
  await page.getByLabel('Search tests by name').fill('A::B/../C')
  await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(2)
  const address = new URL(page.url())
  await page.reload()
  await page.getByRole('link', { name: ODD }).click()
  await page.getByRole('heading', { level: 1, name: ODD }).waitFor()
  await page.goBack()
  await page.getByRole('link', { name: ODD }).waitFor()

  expect([address.searchParams.get('only'), address.searchParams.get('search')]).toEqual(['slow', 'A::B/../C'])
  expect(await page.getByLabel('Search tests by name').inputValue()).toBe('A::B/../C')
  expect([...unnamedOfTest, ...(await unnamedControls(page))]).toEqual([])
  expect(troubles).toEqual([])
})

test('the keyboard goes from bar to bar of a chart, hears each, and opens its run', async () => {
  const { page, troubles } = await browser.visitor('dark')
  const dev = await place.person('dev')
  const project = await place.project('charted', reporting(REPORT))
  await project.push(dev)
  await project.commit(reporting(PASSING), 'mended')
  await project.push(dev)
  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/charted/tests`)

  const bars = page.getByRole('list', { name: 'How long all tests of each run took' }).getByRole('link')
  await bars.last().focus()
  await page.getByText('charted#2 on main: 124 passed, took').waitFor()
  const inOrder = await bars.evaluateAll((all) => all.map((one) => one.getAttribute('tabindex')))
  await page.keyboard.press('ArrowLeft')
  await page.getByText('charted#1 on main: 1 passed, 1 failed, took 30 ms').waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: '#1 first' }).waitFor()

  expect(inOrder).toEqual(['-1', '0'])
  expect(troubles).toEqual([])
})

test('a maintainer puts a test into quarantine and releases it on its page; a developer is told who may', async () => {
  const dev = await place.person('dev')
  const lead = await place.person('lead', 'maintainer')
  const project = await place.project('calmed', reporting(REPORT))
  await project.push(dev)
  const params = { project: 'calmed' }
  const inQuarantine = async () =>
    (await lead.client.call(getTest, { params, query: { test: 'test_blank' } })).quarantine
  const address = `${place.server.address}/calmed/test?test=test_blank`

  const developer = await browser.visitor()
  await signIn(developer.page, place.server.address, dev.token)
  await developer.page.goto(address)
  await quarantine(developer)
  const refusal = await developer.page.getByRole('alert').textContent()
  const unnamed = await unnamedControls(developer.page)
  const refused = await inQuarantine()

  const maintainer = await browser.visitor()
  await signIn(maintainer.page, place.server.address, lead.token)
  await maintainer.page.goto(address)
  await quarantine(maintainer)
  await maintainer.page.getByText('lead, just now: waits for a port').waitFor()
  const put = await inQuarantine()
  await maintainer.page.goto(`${place.server.address}/calmed/tests?only=quarantined`)
  await maintainer.page.getByRole('link', { name: 'In quarantine 1' }).waitFor()
  await maintainer.page.getByRole('link', { name: 'test_blank' }).click()
  await maintainer.page.getByRole('button', { name: 'Release' }).click()
  await maintainer.page.getByText('Not in quarantine: when it fails, its step fails.').waitFor()

  expect(refusal).toContain('maintainer')
  expect(refused).toBeNull()
  expect(put).toMatchObject({ person: 'lead', reason: 'waits for a port', isOver: false })
  expect((put?.until ?? 0) - (put?.at ?? 0)).toBeGreaterThan(13 * 24 * 3_600_000)
  expect((put?.until ?? 0) - (put?.at ?? 0)).toBeLessThan(15 * 24 * 3_600_000)
  expect(await inQuarantine()).toBeNull()
  expect(unnamed).toEqual([])
  expect([...developer.troubles, ...maintainer.troubles]).toEqual([])
})

async function quarantine({ page }: Awaited<ReturnType<TestBrowser['visitor']>>): Promise<void> {
  await page.getByRole('button', { name: 'Put into quarantine' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Put into quarantine', disabled: true }).waitFor()
  await dialog.getByLabel('Reason').fill('waits for a port')
  await dialog.getByLabel('For').selectOption({ label: 'two weeks' })
  await dialog.getByRole('button', { name: 'Put into quarantine' }).click()
}

test('a project without tests says how they come in; a test that is not there is answered in words', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  await place.project('untested', tinyProject())
  await signIn(page, place.server.address, dev.token)

  await page.goto(`${place.server.address}/untested`)
  await page.getByRole('link', { name: 'Tests', exact: true }).click()
  await page.getByText('No run has reported a test.').waitFor()
  await page.getByRole('link', { name: 'Flaky' }).click()
  await page.getByText('No test has failed and passed on the same commit.').waitFor()
  await page.goto(`${place.server.address}/untested/test?test=nothing`)
  const answer = await page.getByRole('alert').textContent()

  expect(answer).toContain('No run of untested has reported a test "nothing"')
  expect(await unnamedControls(page)).toEqual([])
  expect(troubles).toEqual([])
})
