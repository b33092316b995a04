import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inferenceProgram } from '../harness/inference-program.ts'
import { startTestServerProcess } from '../harness/server-process.ts'
import { EVALUATION, tinyProject } from '../harness/tiny-project.ts'
import { violations } from './invariants.ts'
import { untilTrue } from './patience.ts'

/** Each request takes it 50 ms, so that to measure it takes ten seconds at least. */
const SLOW = inferenceProgram(`    def do_GET(self):
        x = {"name": "x", "datatype": "FP64", "shape": [-1, 4]}
        y = {"name": "label", "datatype": "INT64", "shape": [-1]}
        self.answer({"name": "slow", "inputs": [x], "outputs": [y]})

    def do_POST(self):
        values = self.input()["data"]
        time.sleep(0.05)
        rows = [values[at : at + 4] for at in range(0, len(values), 4)]
        label = [int(c + d > a + b) for a, b, c, d in rows]
        self.answer({"outputs": [{"name": "label", "datatype": "INT64", "shape": [len(rows)], "data": label}]})
`)

test('a server killed with -9 while latency is measured: the measurement goes on, is told once, and no endpoint is left', async () => {
  await using place = await startTestServerProcess('sqlite')
  const ana = await place.person('ana')
  const pipeline = `model: { path: weights.txt, serve: { run: exec python serve.py }, include: [serve.py] }
${EVALUATION}gates: [{ metric: latency-p95, max: 60s }]
steps:
  train: { run: echo 1 > weights.txt, deps: [rows.csv], outs: [weights.txt] }
`
  const project = await place.project('timed', tinyProject({ pipeline, files: { 'serve.py': SLOW } }))
  await project.push(ana, '--push-option=detach')
  const logFile = join(place.dataFolder, 'attempts/timed/1/evaluation/1/log')
  const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
  await untilTrue('latency to be measured', () => log().includes('measuring latency'))
  const endpoints = () => readdir(join(place.dataFolder, 'gateway', 'private'))
  const before = await endpoints()

  await place.kill()
  const wasUnderWay = !log().includes('latency through the gateway')
  await place.start()
  const run = await project.ended(1)
  await untilTrue('the endpoint to be gone', async () => (await endpoints()).length === 0 || undefined)

  expect(before).toHaveLength(1)
  expect(wasUnderWay).toBe(true)
  expect(run).toMatchObject({ state: 'succeeded', gates: [{ title: 'latency-p95', outcome: 'pass' }] })
  expect(run.steps.find(({ key }) => key === 'evaluation')).toMatchObject({ state: 'succeeded', attempt: 1 })
  expect(log().match(/measuring latency/g)).toHaveLength(1)
  expect(await violations({ ...place, executions: join(place.folder, 'executions') })).toEqual([])
}, 600_000)
