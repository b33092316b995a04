import { expect, test } from 'vitest'
import { billOfMaterials, type Materials } from './bill-of-materials.ts'

const HASH = 'a'.repeat(64)

const MATERIALS: Materials = {
  bundle: `sha256:${'b'.repeat(64)}`,
  manifest: {
    version: 1,
    name: 'digits',
    files: { kind: 'tree', digest: `sha256:${'c'.repeat(64)}`, size: 1 },
    modelPath: 'model.onnx',
    runtime: { kind: 'onnx' },
    signature: { inputs: [], outputs: [], columns: {}, answer: { prediction: 'label' } },
  },
  files: [{ path: 'model.onnx', digest: `sha256:${HASH}`, size: 3, executable: false }],
  lock: `alpha==1.0 \\\n    --hash=sha256:${HASH}\nBeta_Tools[extra]==2.0+cpu \\\n    --hash=sha256:${HASH} \\\n    --hash=sha256:${'d'.repeat(64)}\n# a comment\n`,
  datasets: { 'data/raw.csv': `sha256:${HASH}` },
  metrics: { accuracy: 0.97 },
  commit: 'c0ffee',
}

test('locked packages, files and datasets are components, each with its hash where there is one', () => {
  expect(billOfMaterials(MATERIALS)['components']).toMatchObject([
    { type: 'library', purl: 'pkg:pypi/alpha@1.0', hashes: [{ content: HASH }] },
    { type: 'library', purl: 'pkg:pypi/beta-tools@2.0%2Bcpu', name: 'Beta_Tools', version: '2.0+cpu' },
    { type: 'file', name: 'model.onnx' },
    { type: 'data', name: 'data/raw.csv' },
  ])
})

test('the model is a machine-learning model with its datasets and numbers', () => {
  expect(billOfMaterials(MATERIALS)['metadata']).toMatchObject({
    component: {
      type: 'machine-learning-model',
      name: 'digits',
      modelCard: {
        modelParameters: { datasets: [{ ref: 'data:data/raw.csv' }] },
        quantitativeAnalysis: { performanceMetrics: [{ type: 'accuracy', value: '0.97' }] },
      },
    },
  })
})

test('the same bundle has the same bill', () => {
  expect(billOfMaterials(MATERIALS)).toEqual(billOfMaterials(structuredClone(MATERIALS)))
})
