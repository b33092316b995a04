import { randomUUID } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getAcceptance } from '../../src/api/acceptance.ts'
import { approveDeployment, listDeployments, type Deployment } from '../../src/api/deployments.ts'
import { listEnvironments } from '../../src/api/projects.ts'
import { openMonorepo } from '../harness/monorepo.ts'
import type { TestServer } from '../harness/server.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { model } from '../harness/tiny-project.ts'
import { signIn, unnamedControls, type TestBrowser } from './browser.ts'
import { openPagePlace, type PagePlace } from './page-place.ts'
import { DELIVERED, FAILING, PRODUCTION_ONLY, talking } from './page-project.ts'

let opened: PagePlace
let place: TestServer
let browser: TestBrowser

beforeAll(async () => {
  opened = await openPagePlace()
  ;({ place, browser } = opened)
})

afterAll(() => opened[Symbol.asyncDispose]())

/** The newest deployment to an environment, once it has this state. */
async function deploymentIn(project: string, environment: string, state: Deployment['state']): Promise<Deployment> {
  for (;;) {
    const { deployments } = await place.admin.client.call(listDeployments, {
      params: { project },
      query: { environment },
    })
    if (deployments[0]?.state === state) return deployments[0]
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('a wrong token is refused in words; a right one leads to where the visitor wanted to go', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  await place.project('empty', { 'readme.md': 'nothing yet' })

  await page.goto(`${place.server.address}/empty`)
  await page.getByLabel('Token').fill('tg_wrong')
  await page.getByLabel('Token').press('Enter')
  const refusal = await page.getByRole('alert').textContent()
  const unnamed = await unnamedControls(page)
  await page.getByLabel('Token').fill(dev.token)
  await page.getByLabel('Token').press('Enter')
  await page.getByRole('heading', { level: 1, name: 'empty' }).waitFor()
  // Asked of the server on its own, and so drawn a moment later.
  await page.getByText('signed in as dev').waitFor()

  expect(refusal).toContain('The token is wrong, revoked or expired')
  expect(unnamed).toEqual([])
  expect(new URL(page.url()).pathname).toBe('/empty')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Token').waitFor()
  expect(await page.context().cookies()).toEqual([])
  expect(troubles).toEqual([])
})

test('projects of one repository tell which folder of it they are, in the list and on their pages', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  await openMonorepo(place, 'mono')

  await signIn(page, place.server.address, dev.token)
  await page.getByText('models/fraud of the repository mono').waitFor()
  await page.getByText('models/churn of the repository mono').waitFor()
  await page.getByRole('link', { name: 'mono-churn' }).click()
  await page.getByRole('heading', { level: 1, name: 'mono-churn' }).waitFor()
  await page.getByText('models/churn of the repository mono').waitFor()
  await page.getByText(`git push ${place.server.address}/mono.git main`).waitFor()

  expect(troubles).toEqual([])
})

test('a run is watched while it happens: stages and log move without a reload', async () => {
  const { page, troubles } = await browser.visitor('dark')
  const dev = await place.person('dev')
  const goFile = join(tmpdir(), `tidegate-go-${randomUUID()}`)
  const project = await place.project('talking', talking(goFile))
  await signIn(page, place.server.address, dev.token)
  await page.getByRole('link', { name: 'talking' }).click()
  await page.getByText('No run yet').waitFor()

  const pushed = project.push(dev)
  await page.getByRole('link', { name: '#1 first' }).click()
  const stages = page.getByRole('list', { name: 'The eight stages' }).getByRole('listitem')
  await stages.filter({ hasText: 'Unit tests' }).and(page.locator('[data-state=running]')).waitFor()
  await page.getByRole('button', { name: /^talk/ }).press('Enter')
  const log = page.getByRole('log', { name: 'Log of talk' })
  await log.getByText('50 %').waitFor()
  const live = await log.textContent()
  await writeFile(goFile, '')
  await log.getByText('all rows read').waitFor()
  await page.getByText(/^complete/).waitFor()
  await stages.filter({ hasText: 'Automated build' }).and(page.locator('[data-state=failed]')).waitFor()

  expect(await stages.count()).toBe(8)
  expect(live).toBe('reading rows50 %')
  expect(await log.textContent()).toBe('reading rows100 %all rows read')
  expect(await stages.filter({ hasText: 'Unit tests' }).getAttribute('data-state')).toBe('succeeded')
  expect(troubles).toEqual([])
  await pushed
  await rm(goFile)
})

test('of a large log the page shows the end at once, says what stands before, and links to all of it', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('chatty', {
    'tidegate.yaml': 'steps:\n  count: { run: seq 1 1000000 }\n',
  })
  await project.push(dev)

  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/chatty/runs/1`)
  await page.getByRole('button', { name: /^count/ }).click()
  const log = page.getByRole('log', { name: 'Log of count' })
  await log.getByText('1000000', { exact: true }).waitFor()
  const note = await log.getByText('before this are not shown').textContent()
  const beginning = await log.getByRole('link', { name: 'from the beginning' }).getAttribute('href')
  const plain = await page.getByRole('link', { name: 'as plain text' }).getAttribute('href')
  const whole = await (await page.request.get(new URL(plain ?? '', place.server.address).href)).text()

  expect(note).toMatch(/^4\.6 MiB and 29[\d,]+ lines before this are not shown/)
  expect(beginning).toBe(plain)
  expect(whole).toHaveLength(6_888_896)
  expect(whole).toMatch(/\n999999\n1000000\n$/)
  expect(troubles).toEqual([])
})

test('a page that a proxy answers for while the server starts goes on by itself afterwards', async () => {
  const { page } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('proxied', { 'tidegate.yaml': 'steps:\n  talk: { run: echo hello }\n' })
  await signIn(page, place.server.address, dev.token)
  const isDown = { status: 502, contentType: 'text/html', body: 'Bad Gateway' }
  await page.route('**/stream?**', (route) => route.fulfill(isDown), { times: 2 })
  await page.goto(`${place.server.address}/proxied`)
  await page.getByText('No run yet').waitFor()

  await project.push(dev)
  await page.getByRole('link', { name: '#1 first' }).click()
  await page.route('**/log/stream?**', (route) => route.fulfill(isDown), { times: 1 })
  await page.getByRole('button', { name: /^talk/ }).click()

  await page.getByRole('log', { name: 'Log of talk' }).getByText('hello').waitFor()
})

test('of a log that is not kept any more the page says so', async () => {
  const { page } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('forgotten', { 'tidegate.yaml': 'steps:\n  talk: { run: echo hello }\n' })
  await project.push(dev)
  await rm(join(place.dataFolder, 'attempts/forgotten/1/talk/1/log'))

  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/forgotten/runs/1`)
  await page.getByRole('button', { name: /^talk/ }).click()

  await page.getByRole('alert').getByText('is not kept any more: logs go when their time is over').waitFor()
  expect(await page.getByText('live', { exact: true }).count()).toBe(0)
})

test('the logs of earlier attempts are a link away from that of the last', async () => {
  const { page } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('tried', {
    'tidegate.yaml':
      'steps:\n  flaky: { run: "echo try $TIDEGATE_ATTEMPT; exit 1", retry: { on: [exit], limit: 1 } }\n',
  })
  await project.push(dev)

  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/tried/runs/1`)
  await page.getByRole('log', { name: 'Log of flaky' }).getByText('try tried#1/flaky/2').waitFor()
  const first = await page.getByRole('link', { name: 'attempt 1' }).getAttribute('href')

  const log = await page.request.get(new URL(first ?? '', place.server.address).href)
  expect(await log.text()).toContain('try tried#1/flaky/1')
})

test('the log of each service beside a step is a link away from that of the step', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('beside', {
    'tidegate.yaml': `steps:
  train:
    run: echo trained
    services:
      cache: { run: "echo warm; touch warm; exec sleep 600", ready: { command: test -e warm } }
      broker: { run: "echo open; touch open; exec sleep 600", ready: { command: test -e open } }
`,
  })
  await project.push(dev)

  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/beside/runs/1`)
  await page.getByRole('button', { name: /^train/ }).click()
  await page.getByRole('log', { name: 'Log of train' }).getByText('trained').waitFor()
  const read = async (name: string) => {
    const path = await page.getByRole('link', { name }).getAttribute('href')
    return (await page.request.get(new URL(path ?? '', place.server.address).href)).text()
  }

  expect(await read('service cache')).toBe('warm\n')
  expect(await read('service broker')).toBe('open\n')
  expect(troubles).toEqual([])
})

test('a failing test shows its name, what it said and the lines that matter', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('failing', FAILING)
  await project.push(dev)

  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/failing/runs/1`)
  const failed = page.getByRole('article', { name: 'Failed test test_blank' })
  await failed.waitFor()

  expect(await failed.textContent()).toContain('test_ink.py:14: AssertionError')
  await page.getByText('1 passed, 1 failed').first().waitFor()
  expect(await unnamedControls(page)).toEqual([])
  expect(troubles).toEqual([])
})

test('what a run wrote is listed on its page with size and digest, and comes by its link', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  const project = await place.project('wrote', {
    'tidegate.yaml': `steps:
  train: { run: "mkdir out && echo a > out/a && echo b > 'out/ü b' && echo model > model.txt", outs: [out/, model.txt], deps: [tidegate.yaml] }
`,
  })
  await project.push(dev)
  await signIn(page, place.server.address, dev.token)
  await page.goto(`${place.server.address}/wrote/runs/1`)
  const section = page.getByRole('region', { name: 'Artifacts' })
  await section.waitFor()
  const fetched = async (name: string) => {
    const download = page.waitForEvent('download')
    await section.getByRole('link', { name }).click()
    const file = await download
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
  }

  const rows = await section.getByRole('row').allTextContents()
  const model = await fetched('model.txt')
  const folder = await fetched('out/')

  const digest = sha256('model\n').slice('sha256:'.length, 'sha256:'.length + 7)
  expect(rows).toContainEqual(expect.stringMatching(new RegExp(`^model\\.txtfile6 B${digest}.*train$`)))
  expect(rows).toContainEqual(expect.stringMatching(/^out\/2 files \(tar\)4 B.*train$/))
  expect(model).toEqual({ name: 'model.txt', text: 'model\n' })
  expect(folder.name).toBe('out.tar')
  expect(folder.text).toContain('ü b')
  expect(await unnamedControls(page)).toEqual([])
  expect(troubles).toEqual([])
})

test('a viewer sees what a run wrote, and which role may fetch it, without a link that would be refused', async () => {
  const { page, troubles } = await browser.visitor()
  const [dev, vic] = await Promise.all([place.person('dev'), place.person('vic', 'viewer')])
  const project = await place.project('seen', {
    'tidegate.yaml': 'steps: { train: { run: echo model > model.txt, outs: [model.txt], deps: [tidegate.yaml] } }\n',
  })
  await project.push(dev)
  await signIn(page, place.server.address, vic.token)
  await page.goto(`${place.server.address}/seen/runs/1`)
  const section = page.getByRole('region', { name: 'Artifacts' })

  await section.getByText('To fetch one takes the role developer').waitFor()

  expect(await section.getByText('model.txt', { exact: true }).count()).toBe(1)
  expect(await section.getByRole('link').count()).toBe(0)
  expect(troubles).toEqual([])
})

test('every page is titled by what it shows, also after the visitor has gone on from another', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  await place.person('lead', 'approver')
  const project = await place.project('titled', PRODUCTION_ONLY)
  await project.push(dev)
  const { id } = await deploymentIn('titled', 'production', 'awaiting-approval')
  const isTitled = (title: string) => expect.poll(() => page.title(), { timeout: 10_000 }).toBe(`${title} · Tidegate`)

  await page.goto(`${place.server.address}/titled/runs/1`)
  await isTitled('Sign in')
  await page.getByLabel('Token').fill(dev.token)
  await page.getByLabel('Token').press('Enter')
  await isTitled('titled#1')
  await page.getByRole('link', { name: 'registered as version 1' }).click()
  await isTitled('titled@1')
  await page.getByRole('link', { name: 'titled', exact: true }).click()
  await isTitled('titled')
  await page.goBack()
  await isTitled('titled@1')
  await page.getByRole('link', { name: 'Projects' }).click()
  await isTitled('Projects')

  for (const [path, title] of [
    [`deployments/${id}`, 'titled@1 to production'],
    ['alerts', 'Monitoring · titled'],
    ['tests', 'Tests · titled'],
    ['test?test=reads_ink', 'reads_ink · titled'],
    ['no/such/page', 'No such page'],
  ] as const) {
    await page.goto(`${place.server.address}/titled/${path}`)
    await isTitled(title)
  }
  expect(troubles).toEqual([])
})

test('a tester judges and signs, a reviewer approves, the pusher may not: all on the page, all in the rows', async () => {
  const [mia, ana, lead] = await Promise.all([
    place.person('mia', 'maintainer'),
    place.person('ana', 'tester'),
    place.person('lead', 'approver'),
  ])
  const project = await place.project('delivered', DELIVERED)
  await project.push(mia)
  const staging = await deploymentIn('delivered', 'staging', 'awaiting-acceptance')

  const tester = await browser.visitor()
  await signIn(tester.page, place.server.address, ana.token)
  await tester.page.getByRole('link', { name: 'delivered', exact: true }).click()
  await tester.page.getByRole('link', { name: 'Judge the cases' }).click()
  const shown = tester.page.getByRole('article', { name: 'Case below' })
  await tester.page.getByRole('button', { name: 'Sign: accept', disabled: true }).waitFor()
  const image = await shown.getByRole('img').evaluate(readShades)
  await shown.getByRole('button', { name: 'Right' }).click()
  await shown.getByRole('button', { name: 'Right', pressed: true }).waitFor()
  await tester.page.getByLabel('What you found in version 1').fill('reads ink well')
  await tester.page.getByRole('button', { name: 'Sign: accept' }).click()
  await tester.page.getByText('The session has ended: accepted.').waitFor()

  const params = { project: 'delivered', deployment: staging.id }
  const session = await place.admin.client.call(getAcceptance, { params })
  expect(image).toEqual([255, 170, 0, 0])
  expect(await unnamedControls(tester.page)).toEqual([])
  expect(session).toMatchObject({
    state: 'accepted',
    signatures: [{ person: 'ana', decision: 'accept', comment: 'reads ink well' }],
  })
  expect((await ana.client.call(getAcceptance, { params })).cases).toMatchObject([{ id: 'below', verdict: 'right' }])

  const waiting = await deploymentIn('delivered', 'production', 'awaiting-approval')
  const pusher = await browser.visitor()
  await signIn(pusher.page, place.server.address, mia.token)
  await pusher.page.goto(`${place.server.address}/delivered/deployments/${waiting.id}`)
  await pusher.page.getByRole('button', { name: 'Approve' }).click()
  const refusal = await pusher.page.getByRole('alert').textContent()
  expect(refusal).toContain('mia')
  expect(await deploymentIn('delivered', 'production', 'awaiting-approval')).toMatchObject({ approvals: [] })

  const reviewer = await browser.visitor()
  await signIn(reviewer.page, place.server.address, lead.token)
  await reviewer.page.goto(`${place.server.address}/delivered`)
  await reviewer.page.getByRole('link', { name: 'Look and decide' }).click()
  await reviewer.page.getByLabel('Comment').fill('go ahead')
  await reviewer.page.getByRole('button', { name: 'Approve' }).click()
  await reviewer.page.getByText('live', { exact: true }).waitFor()
  expect(await deploymentIn('delivered', 'production', 'live')).toMatchObject({
    version: 1,
    approvals: [{ person: 'lead', decision: 'approve', comment: 'go ahead' }],
  })
  expect([...tester.troubles, ...pusher.troubles, ...reviewer.troubles]).toEqual([])
})

test('a person rolls production back after being asked once', async () => {
  const { page, troubles } = await browser.visitor()
  const dev = await place.person('dev')
  const lead = await place.person('lead', 'approver')
  const project = await place.project('back', PRODUCTION_ONLY)
  const deliver = async () => {
    await project.push(dev)
    const { id, bundle } = await deploymentIn('back', 'production', 'awaiting-approval')
    await lead.client.call(approveDeployment, { params: { project: 'back', deployment: id }, body: { bundle } })
    await deploymentIn('back', 'production', 'live')
  }
  await deliver()
  await project.commit({ 'trained.onnx': model('two') }, 'the other way round')
  await deliver()

  await signIn(page, place.server.address, lead.token)
  await page.goto(`${place.server.address}/back`)
  await page.getByRole('img', { name: 'Traffic: version 2 answers 100 %' }).waitFor()
  await page.getByRole('button', { name: 'Roll back' }).click()
  await page.getByLabel('Reason').fill('it reads upside down')
  const unnamed = await unnamedControls(page)
  await page.getByRole('button', { name: 'Roll back now' }).click()
  await page.getByRole('img', { name: 'Traffic: version 1 answers 100 %' }).waitFor()

  const { environments } = await place.admin.client.call(listEnvironments, { params: { project: 'back' } })
  expect(environments).toMatchObject([{ environment: 'production', champion: 1 }])
  // The row says so once the last answer under way is out.
  const states = async () => {
    const { deployments } = await place.admin.client.call(listDeployments, { params: { project: 'back' }, query: {} })
    return deployments.find(({ version }) => version === 2)?.state
  }
  await expect.poll(states, { timeout: 10_000 }).toBe('rolled-back')
  expect(unnamed).toEqual([])
  expect(troubles).toEqual([])
})

/** How light each pixel of a canvas is. Runs in the page. */
function readShades(canvas: unknown): number[] {
  const drawn = canvas as CanvasLike
  const { width, height } = drawn
  const { data } = drawn.getContext('2d').getImageData(0, 0, width, height)
  return Array.from({ length: width * height }, (_, pixel) => data[pixel * 4] ?? -1)
}

interface CanvasLike {
  readonly width: number
  readonly height: number
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray }
  }
}
