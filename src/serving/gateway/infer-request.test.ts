import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAppError } from '../../core/errors.ts'
import { readInferRequest } from './infer-request.ts'

const SPECS = [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }] as const
const X = { name: 'x', datatype: 'FP32', shape: [2, 2] }

function read(body: unknown): ReturnType<typeof readInferRequest> {
  return readInferRequest(Buffer.from(JSON.stringify(body)), undefined, SPECS)
}

test('nested and flat data are the same tensor', () => {
  const flat = read({ inputs: [{ ...X, data: [1, 2, 3, 4] }] })
  const nested = read({
    inputs: [
      {
        ...X,
        data: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
  })

  expect(nested).toEqual(flat)
  expect(flat.inputs[0]?.data).toEqual(Float32Array.of(1, 2, 3, 4))
})

test('unknown fields are ignored, ids and wanted outputs are kept', () => {
  const request = read({
    id: 'a',
    model_name: 'm',
    more: 1,
    inputs: [{ ...X, data: [1, 2, 3, 4], x: {} }],
    outputs: [{ name: 'y' }],
  })

  expect(request).toMatchObject({ id: 'a', outputs: [{ name: 'y' }], binaryOutput: false })
})

test('integers out of range of their type are refused', () => {
  for (const [datatype, value] of [
    ['INT8', 128],
    ['UINT8', -1],
    ['INT32', 1.5],
    ['INT64', 2 ** 53],
  ]) {
    expect(() => read({ inputs: [{ name: 'x', datatype, shape: [1], data: [value] }] })).toThrow('"x" has')
  }
})

test('data nested a million deep is refused like any other that does not fit', () => {
  const deep = `${'['.repeat(1_000_000)}1${']'.repeat(1_000_000)}`
  const body = Buffer.from(`{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":${deep}}]}`)

  expect(() => readInferRequest(body, undefined, SPECS)).toThrow('a nested value')
})

test('whatever bytes come, the answer is a request or an INVALID_INPUT', () => {
  const json = fc.json().map((text) => Buffer.from(text))
  const almost = fc
    .record({
      inputs: fc.array(
        fc.record({
          name: fc.constantFrom('x', 'y', 1),
          datatype: fc.constantFrom('FP32', 'BYTES', 'INT64', 'BOOL', 'NONE'),
          shape: fc.array(fc.oneof(fc.integer(), fc.double())),
          data: fc.oneof(fc.jsonValue(), fc.array(fc.anything())),
          parameters: fc.oneof(fc.jsonValue(), fc.record({ binary_data_size: fc.oneof(fc.integer(), fc.string()) })),
        }),
      ),
      outputs: fc.jsonValue(),
    })
    .map((value) =>
      Buffer.from(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item))),
    )
  const body = fc.oneof(
    json,
    almost,
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  )

  fc.assert(
    fc.property(
      body,
      fc.option(fc.oneof(fc.nat(60).map(String), fc.string()), { nil: undefined }),
      (bytes, headerLength) => {
        try {
          expect(readInferRequest(bytes, headerLength, SPECS).inputs.length).toBeGreaterThan(0)
        } catch (error) {
          expect(isAppError(error, 'INVALID_INPUT'), String(error)).toBe(true)
        }
      },
    ),
    { numRuns: 500 },
  )
})
