import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { pythonBin } from './python-environment.ts'
import { arm, hostSpec, openTestGateway, putRoutes, route } from './serving-place.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('./triton_client.py', import.meta.url))

test('the real tritonclient speaks with the gateway: health, metadata, JSON, binary, compressed, errors, versions', async () => {
  const python = join(await pythonBin(), 'python')
  const tokenSha256 = createHash('sha256').update('secret').digest('hex')
  await using gateway = await openTestGateway()
  await putRoutes(gateway, [hostSpec('one', 'one')], [route([arm('champion', 'one', '7', 1)], { tokenSha256 })])

  const { stdout } = await run(python, [SCRIPT, gateway.base.replace('http://', ''), 'secret'])

  expect(stdout.trim().split('\n')).toEqual([
    'live True, server ready True, model ready True',
    "tidegate ['binary_tensor_data']",
    "m ['7'] x FP32 [-1, 4]",
    'binary by default: [1, 0]',
    'json: [1, 0]',
    'binary in, json out: [1, 0]',
    'gzip: [1, 0]',
    'deflate: [1, 0]',
    'version 7: [1, 0] id 42',
    '10000 rows: 10000',
    'unknown model: 404',
    'wrong shape: 400',
    'no token: 401',
    'aio: [1, 0]',
  ])
})
