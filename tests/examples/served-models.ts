import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BundleManifest } from '../../src/core/bundle.ts'
import type { Arm, HostSpec } from '../../src/core/route-table.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { startGateway } from '../../src/serving/gateway-process.ts'

export interface ServedModels extends AsyncDisposable {
  /** As steps find it in TIDEGATE_ENDPOINT. */
  readonly endpoint: string
}

export const ENDPOINT_TOKEN = 'a-token-of-the-endpoint'

/** Serves the models of one or two folders by the real gateway: the champion, and the challenger with a share of the requests. */
export async function serveModels(folders: readonly string[], challengerShare = 0): Promise<ServedModels> {
  const scratch = await mkdtemp(join(tmpdir(), 'tidegate-served-'))
  const gateway = await startGateway({ folder: join(scratch, 'gateway'), host: '127.0.0.1', port: 0 })
  const hosts = folders.map(hostOf)
  const weights = [1 - challengerShare, challengerShare]
  const arms = hosts.map(({ id }, i) => armOf(id, i, weights[i] ?? 0))
  const route = {
    project: 'digits',
    environment: 'candidate-1',
    model: 'digits',
    tokenSha256: sha256(ENDPOINT_TOKEN),
    arms,
  }
  await gateway.postRoutes({
    revision: 1,
    hosts,
    routes: [{ ...route, epoch: '1', routeBy: 'request', salt: 'digits' }],
  })
  await gateway.untilReady(
    hosts.map(({ id }) => id),
    60_000,
  )
  return {
    endpoint: `${gateway.address}/digits/candidate-1/v2/models/digits`,
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      await gateway[Symbol.asyncDispose]()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

function hostOf(folder: string, index: number): HostSpec {
  const digest = sha256(folder)
  const manifest: BundleManifest = {
    version: 1,
    name: 'digits',
    files: { kind: 'tree', digest, size: 0 },
    modelPath: 'model.onnx',
    runtime: { kind: 'onnx' },
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 64] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 10] },
      ],
      columns: { x: Array.from({ length: 64 }, (_, i) => `p${i}`) },
      answer: { prediction: 'label', scores: 'probabilities' },
    },
  }
  return { id: `digits-${index + 1}`, bundle: digest, manifest, folder, memoryBytes: 2 ** 31, env: {} }
}

function armOf(host: string, index: number, weight: number): Arm {
  return { arm: index === 0 ? 'champion' : 'challenger', host, version: String(index + 1), weight }
}
