import { expect, test } from 'vitest'
import type { Provided } from '../core/task.ts'
import { stepEnvironment } from './step-environment.ts'

const BUILT: Provided = { env: {}, path: ['/data/environments/abc/bin'], cacheKey: '' }

function pathWith(env: Record<string, string>, provides: Provided | undefined = BUILT): string | undefined {
  const outputs = new Map(provides === undefined ? [] : [['environment', { provides }]])
  const context = {
    run: { id: 'run', project: 'digits', commit_id: 'c0ffee', branch: 'main' },
    step: { key: 'train', uses: ['environment'], work: { kind: 'command', env } },
    outputs,
  } as unknown as Parameters<typeof stepEnvironment>[0]
  return stepEnvironment(context, 'attempt', {})['PATH']
}

test.each([
  [{}, '/data/environments/abc/bin:/usr/local/bin:/usr/bin:/bin'],
  [{ PATH: '/opt/cuda/bin' }, '/data/environments/abc/bin:/opt/cuda/bin:/usr/local/bin:/usr/bin:/bin'],
  [{ PATH: '/opt/cuda/bin:$PATH' }, '/data/environments/abc/bin:/opt/cuda/bin:/usr/local/bin:/usr/bin:/bin'],
  [{ PATH: '${PATH}::/usr/bin:/opt/x' }, '/data/environments/abc/bin:/usr/bin:/opt/x:/usr/local/bin:/bin'],
])('of %j the folders come after the build environment and before the system', (env, path) => {
  expect(pathWith(env)).toBe(path)
})
