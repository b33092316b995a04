import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import ort from 'onnxruntime-node'

/**
 * What the gateway is compared with: ONNX Runtime behind `node:http` in one process, as a careful person
 * would write it in an afternoon. No routes, tokens, checks, hosts, counters or log.
 */
const [modelPath = ''] = process.argv.slice(2)
const session = await ort.InferenceSession.create(modelPath, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
})

interface Body {
  readonly inputs: readonly { readonly name: string; readonly shape: number[]; readonly data: number[] }[]
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on(
    'end',
    () =>
      void answer(Buffer.concat(chunks)).then((body) =>
        response.setHeader('content-type', 'application/json').end(body),
      ),
  )
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

async function answer(body: Buffer): Promise<string> {
  const { inputs } = JSON.parse(body.toString()) as Body
  const feeds = Object.fromEntries(
    inputs.map(({ name, shape, data }) => [name, new ort.Tensor('float32', Float32Array.from(data), shape)]),
  )
  const results = await session.run(feeds)
  const outputs = Object.entries(results).map(([name, { dims, data }]) => ({
    name,
    shape: dims,
    data: Array.from(data as ArrayLike<number>, Number),
  }))
  return JSON.stringify({ outputs })
}
