import { afterAll, beforeAll, expect, test } from 'vitest'
import { inferenceProgram } from '../harness/inference-program.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import type { Files } from '../source/git-place.ts'
import { tellStory } from './delivery-story.ts'
import { IS_ROOT } from '../harness/is-root.ts'

let place: TestServer
let ana: TestPerson
let lead: TestPerson

beforeAll(async () => {
  place = await openTestServer('data-folder')
  ana = await place.person('ana')
  lead = await place.person('lead', 'approver')
})

afterAll(() => place[Symbol.asyncDispose]())

const SERVERS_OWN = ['', 'state.db', 'admin-token', 'keys', 'store', 'repositories', 'gateway', 'bundles']

const TRAIN = `import csv, json

rows = [(length, length * 2, int(length > 10)) for length in range(40)]
with open("model.json", "w") as file:
    json.dump({"threshold": json.load(open("threshold.json"))}, file)
with open("held-out.csv", "w") as file:
    csv.writer(file).writerows([("length", "weight", "long"), *rows])
`

/** Where it serves, <data>/bundles/<digest>, it also tells what it can read of the server's data folder. */
const PREDICT = `import json
import os


class Model:
    def load(self, path):
        data = os.path.dirname(os.path.dirname(os.path.dirname(path)))
        self.open = [name for name in ${JSON.stringify(SERVERS_OWN)} if os.access(os.path.join(data, name), os.R_OK)]
        with open(path) as file:
            self.threshold = json.load(file)["threshold"]

    def predict(self, table):
        label = (table["length"] > self.threshold).astype("int64").to_numpy()
        return {"label": label, "root": [os.getuid() == 0], "open": [" ".join(self.open)]}
`

const SERVE = inferenceProgram(
  `    def do_GET(self):
        takes = {"name": "x", "datatype": "FP64", "shape": [-1, 2]}
        self.answer({"inputs": [takes], "outputs": [{"name": "label", "datatype": "INT64", "shape": [-1]}]})

    def do_POST(self):
        x = self.input()
        rows, data = x["shape"][0], x["data"]
        if isinstance(data[0], list):
            data = [value for row in data for value in row]
        labels = [int(data[2 * row] > THRESHOLD) for row in range(rows)]
        self.answer({"outputs": [{"name": "label", "datatype": "INT64", "shape": [rows], "data": labels}]})
`,
  'THRESHOLD = json.load(open("model.json"))["threshold"]',
)

/** Trains with the standard library alone; `model` says how its answer is computed. */
function pythonProject(model: string, files: Files): Files {
  return {
    'train.py': TRAIN,
    'threshold.json': '10',
    'tidegate.yaml': `model: { path: model.json, ${model}, inputs: { x: [length, weight] }, outputs: { prediction: label } }
steps:
  train: { run: python train.py, deps: [train.py, threshold.json], outs: [model.json, held-out.csv] }
evaluation: { task: classification, data: held-out.csv, label: long }
gates: [{ metric: accuracy, min: 0.8 }]
environments:
  staging: {}
  production: { approval: { reviewers: [lead] } }
`,
    ...files,
  }
}

test.each([
  {
    name: 'class',
    model: 'predict: "src/predict.py:Model"',
    files: { 'requirements.txt': 'pandas\n', 'src/predict.py': PREDICT },
    // Where we are not root it cannot be anybody else, and reads what we read.
    told: IS_ROOT ? [[false], ['']] : [[false]],
  },
  {
    name: 'program',
    model: 'serve: { run: python serve.py }, include: [serve.py]',
    files: { 'serve.py': SERVE },
    told: [],
  },
])(
  'a Python $name is built, judged against its champion, approved and answers',
  async ({ name, model, files, told }) => {
    const story = await tellStory(place, `python-${name}`, pythonProject(model, files), 'FP64')

    await story.push(ana)
    await story.approve(lead, await story.reaches(1, 'production', 'awaiting-approval'))
    await story.reaches(1, 'production', 'live')
    await story.push(ana, { 'threshold.json': '11' })
    await story.reaches(2, 'staging', 'live')

    const run = await story.project.run(2)
    expect(run.state).toBe('succeeded')
    expect(await story.project.log(2, 'evaluation')).toMatch(
      /candidate: accuracy 0\.9750 .*\n.*champion \(version 1\): accuracy 1\.0000/,
    )
    const rows = [
      [11, 22],
      [3, 6],
      [30, 60],
    ]
    const [staging, production] = [await story.infer('staging', rows), await story.infer('production', rows)]
    expect(staging.version).toBe('2')
    expect(staging.body.outputs?.[0]?.data).toEqual([0, 0, 1])
    expect(production.version).toBe('1')
    expect(production.body.outputs?.slice(0, 1 + told.length).map(({ data }) => data)).toEqual([[1, 0, 1], ...told])
  },
)
