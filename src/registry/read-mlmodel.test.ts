import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { parseMlflowModel } from './read-mlmodel.ts'

const PYTHON = `flavors:
  python_function: { loader_module: mlflow.sklearn, model_path: model.pkl }
  sklearn: { pickled_model: model.pkl, serialization_format: cloudpickle, code: null }
something_new: { of: a later MLflow }
`

function signature(inputs: unknown, outputs: unknown): string {
  return `${PYTHON}signature:\n  inputs: '${JSON.stringify(inputs)}'\n  outputs: '${JSON.stringify(outputs)}'\n`
}

test('columns become tensors of one dimension, and the library that can load it is named', () => {
  const read = parseMlflowModel(
    signature(
      [
        { type: 'double', name: 'x' },
        { type: 'string', name: 'city', required: false },
      ],
      [{ type: 'long' }],
    ),
    'm/MLmodel',
  )

  expect(read).toEqual({
    inputs: [
      { name: 'x', datatype: 'FP64', shape: [-1] },
      { name: 'city', datatype: 'BYTES', shape: [-1] },
    ],
    outputs: [{ name: 'prediction', datatype: 'INT64', shape: [-1] }],
    loader: {
      module: 'mlflow.sklearn',
      takesTensors: false,
      native: { library: 'sklearn', file: 'model.pkl', format: 'cloudpickle' },
    },
  })
})

test('a tensor keeps its shape, and an ONNX file needs no Python', () => {
  const tensor = { type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1, 8, 8] } }

  const read = parseMlflowModel(
    `flavors:
  python_function: { loader_module: mlflow.onnx, data: model.onnx }
  onnx: { data: model.onnx, onnx_version: 1.19.0 }
signature: { inputs: '${JSON.stringify([tensor])}', outputs: null }
`,
    'm/MLmodel',
  )

  expect(read).toMatchObject({
    onnxFile: 'model.onnx',
    inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 8, 8] }],
    outputs: [],
    loader: { takesTensors: true },
  })
})

test.each([
  ['no YAML', 'a: [', 'm/MLmodel cannot be hosted: it is no YAML'],
  ['nothing', '', 'it has no `flavors`'],
  ['no Python', 'flavors: { h2o: {} }', 'it has no python_function flavour (it has h2o)'],
  ['a date', signature([{ type: 'datetime', name: 'day' }], []), 'signature.inputs: "day" is of the type datetime'],
  [
    'complex numbers',
    signature([{ type: 'tensor', 'tensor-spec': { dtype: 'complex64', shape: [-1] } }], []),
    'complex64',
  ],
  ['another signature', signature({ a: 1 }, []), 'signature.inputs is no list of columns or tensors'],
])('%s is refused with the reason', (_, text, message) => {
  expect(() => parseMlflowModel(text, 'm/MLmodel')).toThrow(message)
})

test('whatever the file holds, it is read or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => `flavors: ${json}`),
      ),
      (text) => {
        try {
          parseMlflowModel(text, 'MLmodel')
        } catch (error) {
          expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
        }
      },
    ),
  )
})
