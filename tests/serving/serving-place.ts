import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RuntimeSpec, Signature } from '../../src/core/bundle.ts'
import type { Arm, HostSpec, Route, RouteTable } from '../../src/core/route-table.ts'
import { startGateway, type GatewayControl, type GatewayOrder } from '../../src/serving/gateway-process.ts'

export const MODELS = fileURLToPath(new URL('./models', import.meta.url))
export const PYTHON_MODELS = join(MODELS, 'python')

export const CLASSIFIER: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
  ],
  columns: { x: ['a', 'b', 'c', 'd'] },
  answer: { prediction: 'label', scores: 'probabilities', classes: ['0', '1'] },
}

export function hostSpec(
  id: string,
  model: string,
  more: Partial<HostSpec> & { signature?: Signature; runtime?: RuntimeSpec } = {},
): HostSpec {
  const { signature = CLASSIFIER, runtime = { kind: 'onnx' }, ...rest } = more
  const modelPath = runtime.kind === 'onnx' ? `${model}.onnx` : model
  const files = { kind: 'tree', digest: 'sha256:00', size: 0 } as const
  return {
    id,
    bundle: `sha256:${model}`,
    manifest: { version: 1, name: model, files, modelPath, runtime, signature },
    folder: MODELS,
    memoryBytes: 1 << 30,
    env: {},
    ...rest,
  }
}

export function arm(name: Arm['arm'], host: string, version: string, weight: number): Arm {
  return { arm: name, host, version, weight }
}

export function route(arms: readonly Arm[], more: Partial<Route> = {}): Route {
  return {
    project: 'shop',
    environment: 'production',
    model: 'm',
    arms,
    epoch: 'e1',
    routeBy: 'request',
    salt: 'salt',
    ...more,
  }
}

export function table(revision: number, hosts: readonly HostSpec[], routes: readonly Route[]): RouteTable {
  return { revision, hosts, routes }
}

export interface TestGateway extends AsyncDisposable {
  readonly control: GatewayControl
  readonly folder: string
  /** Of `route()`s. */
  readonly base: string
}

/** A gateway process in a folder of its own, both gone afterwards. */
export async function openTestGateway(order: Partial<GatewayOrder> = {}): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-gateway-'))
  const control = await startGateway({ folder, host: '127.0.0.1', port: 0, ...order })
  return {
    control,
    folder,
    base: `${control.address}/shop/production`,
    async [Symbol.asyncDispose]() {
      await control.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Hosts first, then routes to them, as the server does it. */
export async function putRoutes(
  gateway: TestGateway,
  hosts: readonly HostSpec[],
  routes: readonly Route[],
): Promise<void> {
  const { revision } = await gateway.control.status()
  await gateway.control.postRoutes(table(revision + 1, hosts, []))
  await gateway.control.untilReady(
    hosts.map((host) => host.id),
    30_000,
  )
  await gateway.control.postRoutes(table(revision + 2, hosts, routes))
}

/** What `CLASSIFIER` is asked: model `one` labels this 1, model `two` labels it 0. */
export const QUESTION = { inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }] }

export async function ask(
  base: string,
  body: unknown = QUESTION,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await fetch(`${base}/v2/models/m/infer`, { method: 'POST', body: JSON.stringify(body), headers })
}
