import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Tensor } from '../../core/ports/runtime.ts'
import { createFrameReader, decodeTensors, encodeFrame, encodeTensors, FRAME, type Frame } from './frames.ts'

const TENSORS: Tensor[] = [
  { name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1.5, Number.NaN) },
  { name: 'größe', datatype: 'BYTES', shape: [2], data: ['ü', ''] },
  { name: 'id', datatype: 'INT64', shape: [], data: BigInt64Array.of(2n ** 62n) },
  { name: 'none', datatype: 'UINT8', shape: [0], data: new Uint8Array(0) },
]

test('frames arrive whole and in order, however the stream cuts them', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }), (cuts) => {
      const frames: Frame[] = []
      const read = createFrameReader((frame) => frames.push(frame))
      let stream = Buffer.concat([
        encodeTensors(7, FRAME.predict, TENSORS),
        encodeFrame(8, FRAME.failed, { message: 'no' }),
        encodeTensors(9, FRAME.answer, []),
      ])

      for (const cut of [...cuts, stream.length]) {
        read(Buffer.from(stream.subarray(0, cut)))
        stream = stream.subarray(cut)
      }

      expect(frames.map((frame) => [frame.id, frame.kind])).toEqual([
        [7, FRAME.predict],
        [8, FRAME.failed],
        [9, FRAME.answer],
      ])
      expect(decodeTensors(frames[0]!)).toEqual(TENSORS)
      expect(frames[1]?.header).toEqual({ message: 'no' })
      expect(decodeTensors(frames[2]!)).toEqual([])
    }),
  )
})
