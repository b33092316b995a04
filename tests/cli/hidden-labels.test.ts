import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { model } from '../harness/tiny-project.ts'
import { openCommandPlace, writeFiles, type CommandPlace } from './command.ts'

let place: CommandPlace

beforeAll(async () => {
  place = await openCommandPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

const pipeline = (labels: string) => `data:
  labels.csv: { from: "file:${labels}", only: [evaluation] }
model: { path: model.onnx }
evaluation:
  data: labels.csv
  predictions: answers.csv
  task: classification
  label: y
  id: image
  slices: [clinic]
gates: [{ metric: accuracy, min: 0.9 }]
steps:
  train: { run: cp models/one.onnx model.onnx, deps: [models/one.onnx], outs: [model.onnx] }
  predict: { run: python3 predict.py, deps: [predict.py, images.csv], outs: [answers.csv] }
`

/** Answers from the last to the first, with what it would like to be true beside. */
const PREDICT = `import csv, os
assert not os.path.exists("labels.csv")
rows = list(csv.DictReader(open("images.csv")))
with open("answers.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["image", "prediction", "score_cat", "score_dog", "y"])
    for row in reversed(rows):
        answer = "cat" if float(row["whiskers"]) > 0.5 else "dog"
        out.writerow([row["image"], answer, row["whiskers"], 1 - float(row["whiskers"]), answer])
`

/** Forty images; those of clinic b that are answered wrongly are \`wrong\`. */
function tables(wrong: number) {
  const images = Array.from({ length: 40 }, (_, i) => ({ image: `i${i}`, isCat: i % 2 === 0, isWrong: i < wrong }))
  return {
    images: ['image,whiskers', ...images.map(({ image, isCat }) => `${image},${isCat ? 0.9 : 0.1}`), ''].join('\n'),
    labels: [
      'y,image,clinic',
      ...images.map(
        ({ image, isCat, isWrong }) => `${isCat === isWrong ? 'dog' : 'cat'},${image},${isWrong ? 'b' : 'a'}`,
      ),
      '',
    ].join('\n'),
  }
}

test('a Python step answers rows whose labels no step sees, and the gates judge by these', async () => {
  const labels = join(place.folder, 'held-out.csv')
  const folder = await place.repository('hidden', {
    'tidegate.yaml': pipeline(labels),
    'models/one.onnx': model('one'),
    'predict.py': PREDICT,
    'images.csv': tables(0).images,
  })

  await writeFile(labels, tables(2).labels)
  const explained = await place.tidegate(folder, ['lint', '--explain'])
  const good = await place.tidegate(folder, ['run'])
  await writeFile(labels, tables(10).labels)
  const worse = await place.tidegate(folder, ['run', '--refresh-data'])
  await writeFile(labels, tables(2).labels.replace('i39,', 'i93,'))
  const others = await place.tidegate(folder, ['run', '--refresh-data'])
  await writeFiles(folder, { 'tidegate.yaml': pipeline(labels).replace('images.csv]', 'images.csv, labels.csv]') })
  const peeking = await place.tidegate(folder, ['lint'])

  expect(explained.stdout).toMatch(/evaluation.*\n.*labels\.csv/)
  expect(good.stdout).toMatch(/gate pass: accuracy: accuracy 0\.950/)
  expect(good.stdout).not.toContain('accuracy 1.000')
  expect(good.code).toBe(0)
  expect(worse.stdout).toMatch(/gate fail: accuracy: accuracy 0\.750/)
  expect(others.stdout).toContain(
    'answers.csv does not answer each row of labels.csv once, by image: 1 row without an answer ("i93"); 1 answer to no row ("i39"). Write one answer for each row.',
  )
  expect([worse.code, others.code]).toEqual([1, 1])
  expect(peeking.stdout + peeking.stderr).toContain('"labels.csv" is a dataset that only the evaluation sees')
})
