import { readFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getAcceptance, judgeCase, signAcceptance } from '../../src/api/acceptance.ts'
import { approveDeployment, listDeployments, type Deployment } from '../../src/api/deployments.ts'
import { followEvents } from '../../src/api/system.ts'
import type { EventKind } from '../../src/core/events.ts'
import { buildPage, openBrowser, signIn } from '../../tests/browser/browser.ts'
import { openTestServer, type TestPerson } from '../../tests/harness/server.ts'

/**
 * `node tools/docs/screenshot.ts` makes `docs/images/eight-stages.png`: a real server, a real push of
 * `examples/digits`, real signatures and approvals, and the page of that run as Chromium shows it. Takes a
 * minute or two, since the example's packages are installed and its model is trained.
 */
const ROOT = new URL('../../', import.meta.url).pathname
const PICTURE = join(ROOT, 'docs/images/eight-stages.png')

await buildPage()
await using place = await openTestServer('sqlite')
await using browser = await openBrowser()
const [dana, ana, lead] = await Promise.all([
  place.person('dana', 'developer'),
  place.person('ana', 'tester'),
  place.person('lead', 'approver'),
  place.person('bo', 'tester'),
])
const project = await place.project('digits', { 'README.md': 'digits\n' })
await project.commit(await exampleFiles('examples/digits'), 'Read handwritten digits')
const pushed = await project.push(dana)
console.log(pushed.stderr)
await eventOf('acceptance.opened')
await accept(await deploymentIn('staging', 'awaiting-acceptance'), ana)
await approve(await deploymentIn('production', 'awaiting-approval'), lead)
await deploymentIn('production', 'live')

const { page } = await browser.visitor()
await signIn(page, place.server.address, lead.token)
await page.goto(`${place.server.address}/digits/runs/1`)
await page.locator('[data-stage=monitoring][data-state=running]').waitFor()
await page.setViewportSize({ width: 1340, height: 760 })
await page.screenshot({ path: PICTURE, animations: 'disabled' })
console.log(PICTURE)

async function exampleFiles(folder: string): Promise<Record<string, Uint8Array>> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: join(ROOT, folder) })
  const paths = stdout.split('\0').filter((path) => path !== '')
  const files = await Promise.all(paths.map(async (path) => [path, await readFile(join(ROOT, folder, path))] as const))
  return Object.fromEntries(files)
}

async function deploymentIn(environment: string, state: Deployment['state']): Promise<Deployment> {
  for (;;) {
    const { deployments } = await place.admin.client.call(listDeployments, {
      params: { project: 'digits' },
      query: { environment },
    })
    if (deployments[0]?.state === state) return deployments[0]
    const run = await project.run(1)
    if (run.state !== 'running' && run.state !== 'succeeded') throw new Error(`The run is ${run.state}: ${run.reason}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Testers are asked once both sides have answered all cases, which is a moment after the deployment waits for them. */
async function eventOf(kind: EventKind): Promise<void> {
  for await (const { event } of place.admin.client.follow(followEvents, { query: { project: 'digits' } })) {
    if (event === kind) return
  }
}

async function accept({ id }: Deployment, { client }: TestPerson): Promise<void> {
  const params = { project: 'digits', deployment: id }
  const { cases, digest } = await client.call(getAcceptance, { params })
  for (const { id: name, expected, sides } of cases) {
    const verdict = sides.a.prediction === expected ? 'right' : 'wrong'
    await client.call(judgeCase, { params, body: { case: name, verdict } })
  }
  await client.call(signAcceptance, { params, body: { decision: 'accept', digest, comment: 'reads every case' } })
}

async function approve({ id, bundle }: Deployment, { client }: TestPerson): Promise<void> {
  await client.call(approveDeployment, { params: { project: 'digits', deployment: id }, body: { bundle } })
}
