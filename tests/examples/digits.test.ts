import { execa } from 'execa'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BLANK, drifted, fieldImages, seededRandom, type Drift } from '../../examples/digits-demo/images.ts'
import { sendTraffic } from '../../examples/digits-demo/traffic.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { decideFeatureDrift } from '../../src/statistics/decide-drift.ts'
import { inferPairedMean } from '../../src/statistics/paired-mean.ts'
import { countInBins, referenceBins } from '../../src/statistics/reference-bins.ts'
import { DigitsModel, mean, readImages, writeEmptyFeedback, writeFeedback, type LabelledImage } from './digits-model.ts'
import { copyProject, PythonEnvironment } from './python-project.ts'
import { ENDPOINT_TOKEN, serveModels } from './served-models.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const PROJECT = join(EXAMPLES, 'digits')
const DEMO = join(EXAMPLES, 'digits-demo')
/** What the demo's scanner does when it is knocked out of place. */
const DRIFT: Drift = { degrees: 25, noise: 2 }
const MARGIN = 0.02

let scratch: string
let python: PythonEnvironment
let base: string
let worse: string
let broken: string
let retrained: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tidegate-digits-'))
  python = await PythonEnvironment.create(join(PROJECT, 'requirements-dev.txt'))
  base = await copyProject(join(scratch, 'base'), PROJECT)
  retrained = await copyProject(join(scratch, 'retrained'), PROJECT)
  for (const folder of [base, retrained]) await mkdir(join(folder, 'data'))
  await writeEmptyFeedback(join(base, 'data/feedback.parquet'))
  await writeFeedback(join(retrained, 'data/feedback.parquet'), driftedField(1000))
  for (const folder of [base, retrained]) await python.run(folder, ['prepare.py'])
  worse = await copyProject(join(scratch, 'worse'), base, join(DEMO, 'changes/worse'))
  broken = await copyProject(join(scratch, 'broken'), base, join(DEMO, 'changes/broken-normalisation'))
  for (const folder of [base, retrained, worse, broken]) await python.run(folder, ['train.py'], { PYTHONHASHSEED: '0' })
}, 240_000)

afterAll(async () => {
  await python[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true, force: true })
})

test('the project passes its own unit tests, and so does the broken change', async () => {
  for (const folder of [base, broken]) {
    const { all } = await python.run(folder, ['-m', 'pytest', '-q', 'tests/unit'])

    expect(all).toMatch(/\d+ passed/)
    expect(all).not.toMatch(/skipped|failed/)
  }
})

test('the contract tests pass against the first, the worse and the broken model behind the gateway', async () => {
  for (const folder of [base, worse, broken]) {
    await using served = await serveModels([folder])
    const env = { TIDEGATE_ENDPOINT: served.endpoint, TIDEGATE_ENDPOINT_TOKEN: ENDPOINT_TOKEN }

    const { all } = await python.run(folder, ['-m', 'pytest', '-q', 'tests/integration'], env)

    expect(all).toMatch(/\d+ passed/)
    expect(all).not.toMatch(/skipped|failed/)
  }
})

test('of users who send a blank image now and then, only those of the broken version see an error', async () => {
  await using served = await serveModels([base, broken], 0.5)

  const { counts } = await sendTraffic({ endpoint: served.endpoint, token: ENDPOINT_TOKEN, count: 400, blanks: 0.1 })

  expect(counts.sent).toBe(400)
  expect(counts.byVersion['1']).toMatchObject({ failed: 0 })
  expect(counts.byVersion['2']!.failed).toBe(counts.failed)
  expect(counts.failed).toBeGreaterThan(5)
  expect(counts.right).toBeGreaterThan(300)
})

test('training again on the same data gives the same bytes, whatever Python hashes strings to', async () => {
  const before = sha256(await readFile(join(base, 'model.onnx')))

  await python.run(base, ['train.py'], { PYTHONHASHSEED: '3' })

  expect(sha256(await readFile(join(base, 'model.onnx')))).toBe(before)
})

test('the images that the demo sends are those that the project sets aside', async () => {
  const committed = await readFile(join(DEMO, 'images.json'), 'utf8')
  const copy = await copyProject(join(scratch, 'export/digits-demo'), DEMO)
  await copyProject(join(scratch, 'export/digits'), PROJECT)

  await python.run(join(scratch, 'export/digits'), [join(copy, 'export-images.py')])

  expect(await readFile(join(copy, 'images.json'), 'utf8')).toBe(committed)
})

test('the first model is good enough for its gates', async () => {
  const images = await testImages(base)

  const hits = await (await DigitsModel.load(base)).hits(images)

  expect(images).toHaveLength(450)
  expect(mean(hits)).toBeGreaterThan(0.96)
  for (const accuracy of byInk(images, hits)) expect(accuracy).toBeGreaterThan(0.93)
})

test('a model of 60 images is worse than the champion by more than the margin, for certain', async () => {
  const { atMost } = await against(base, worse, await testImages(base))

  expect(atMost).toBeLessThan(-MARGIN)
})

test('the broken change is not worse than the champion on anything that is evaluated', async () => {
  const { atLeast } = await against(base, broken, await testImages(base))

  expect(atLeast).toBeGreaterThan(-MARGIN)
})

test('no image that we have is blank', async () => {
  const images = [
    ...(await readImages(join(base, 'data/train.parquet'))),
    ...(await testImages(base)),
    ...fieldImages(),
  ]

  expect(images.filter(({ pixels }) => pixels.every((ink) => ink === 0))).toEqual([])
})

test('the broken change fails on a blank image with an error, and goes on answering', async () => {
  const model = await DigitsModel.load(broken)
  const images = await testImages(base)

  await expect(model.read([{ pixels: BLANK }])).rejects.toThrow(/division by zero/)

  expect(mean(await model.hits(images))).toBeGreaterThan(0.96)
})

test('the champion answers a blank image', async () => {
  const [digit] = await (await DigitsModel.load(base)).read([{ pixels: BLANK }])

  expect(digit).toBeGreaterThanOrEqual(0)
})

test('the champion reads drifted images much worse than those it was trained on', async () => {
  const model = await DigitsModel.load(base)

  const plain = mean(await model.hits(described(fieldImages())))
  const turned = mean(await model.hits(described(driftedField(500))))

  expect(plain).toBeGreaterThan(0.95)
  expect(turned).toBeLessThan(0.7)
})

test('retrained with feedback it beats the champion on the held-out images of production, and on all', async () => {
  const images = await testImages(retrained)
  const fromProduction = images.filter(({ source }) => source === 'production')

  expect(fromProduction.length).toBeGreaterThan(200)
  expect((await against(base, retrained, fromProduction)).atLeast).toBeGreaterThan(0.2)
  expect((await against(base, retrained, images)).atLeast).toBeGreaterThan(MARGIN)
})

test('retrained with feedback it passes its gates and has forgotten nothing', async () => {
  const images = await testImages(retrained)
  const collected = images.filter(({ source }) => source === 'collected')
  const hits = await (await DigitsModel.load(retrained)).hits(images)

  expect(mean(hits)).toBeGreaterThan(0.93)
  for (const accuracy of byInk(images, hits)) expect(accuracy).toBeGreaterThan(0.88)
  expect((await against(base, retrained, collected)).atLeast).toBeGreaterThan(-MARGIN)
})

test('retrained with feedback it reads drifted images that nobody has sent', async () => {
  const random = seededRandom(99)
  const images = (await testImages(base)).map((image) => ({ ...image, pixels: drifted(image.pixels, DRIFT, random) }))

  const { estimate, atLeast } = await against(base, retrained, images)

  expect(estimate).toBeGreaterThan(0.25)
  expect(atLeast).toBeGreaterThan(0.2)
})

test('every tester’s case is answered as expected by the first, the broken and the retrained model', async () => {
  const lines = (await readFile(join(PROJECT, 'acceptance/cases.jsonl'), 'utf8')).trim().split('\n')
  const cases = lines.map((line) => JSON.parse(line) as { inputs: { data: number[] }[]; expected: number })
  const images = cases.map(({ inputs }) => ({ pixels: inputs[0]!.data }))

  for (const folder of [base, broken, retrained]) {
    expect(await (await DigitsModel.load(folder)).read(images)).toEqual(cases.map(({ expected }) => expected))
  }
  expect(cases).toHaveLength(12)
})

test('500 images as they are do not drift from the training data, and 500 turned ones do', async () => {
  const reference = await readImages(join(base, 'data/train.parquet'))

  expect(drift(reference, fieldImages()).outcome).toBe('no-drift')
  expect(drift(reference, driftedField(500)).drifted.length).toBeGreaterThan(20)
})

test('the retrained model’s own reference holds the drift, so that it raises no alarm again', async () => {
  const reference = await readImages(join(retrained, 'data/train.parquet'))

  const seenByChampion = drift(await readImages(join(base, 'data/train.parquet')), driftedField(500))
  const seenByNew = drift(reference, driftedField(500))

  expect(seenByNew.drifted.length).toBeLessThan(seenByChampion.drifted.length)
})

test('the traffic program says how it is used, and what it got', async () => {
  const help = await execa(process.execPath, [join(DEMO, 'send.ts'), '--help'])
  const nobody = await execa(process.execPath, [join(DEMO, 'send.ts'), 'http://127.0.0.1:9', '--count', '3'], {
    reject: false,
  })

  expect(help.stdout).toContain('--rotate <degrees>')
  expect(JSON.parse(nobody.stdout)).toMatchObject({ sent: 3, ok: 0, failed: 3, byStatus: { 0: 3 } })
  expect(nobody.exitCode).toBe(1)
})

async function testImages(folder: string): Promise<LabelledImage[]> {
  return readImages(join(folder, 'data/test.parquet'))
}

/** What production sends after the scanner was moved. */
function driftedField(count: number): { pixels: number[]; label: number }[] {
  const random = seededRandom(5)
  const field = fieldImages()
  return Array.from({ length: count }, (_, i) => field[i % field.length]!).map((image) => ({
    label: image.label,
    pixels: drifted(image.pixels, DRIFT, random),
  }))
}

function described(images: readonly { pixels: readonly number[]; label: number }[]): LabelledImage[] {
  return images.map((image) => ({ ...image, source: 'production', ink: 'medium' }))
}

async function against(champion: string, candidate: string, images: readonly LabelledImage[]) {
  const { estimate, ...ends } = inferPairedMean({
    candidate: Float64Array.from(await (await DigitsModel.load(candidate)).hits(images)),
    champion: Float64Array.from(await (await DigitsModel.load(champion)).hits(images)),
    sampling: { rows: images.length },
    seed: 1,
  })
  return { estimate, atLeast: ends.atLeast(0.95), atMost: ends.atMost(0.95) }
}

function byInk(images: readonly LabelledImage[], hits: readonly number[]): number[] {
  return ['light', 'medium', 'dark'].map((ink) => mean(hits.filter((_, i) => images[i]!.ink === ink)))
}

function drift(reference: readonly Pick<LabelledImage, 'pixels'>[], current: readonly { pixels: readonly number[] }[]) {
  const features = BLANK.map((_, pixel) => {
    const values = reference.map(({ pixels }) => pixels[pixel]!)
    const edges = referenceBins(values)
    const counts = {
      reference: countInBins(values, edges),
      current: countInBins(
        current.map(({ pixels }) => pixels[pixel]!),
        edges,
      ),
    }
    return [`p${pixel}`, counts] as const
  })
  return decideFeatureDrift(Object.fromEntries(features))
}
