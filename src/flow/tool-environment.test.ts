import { expect, test } from 'vitest'
import { toolEnvironment } from './tool-environment.ts'

test('tasks get tools, indexes, proxies and certificates, and nothing else of the server', () => {
  const { env, secrets } = toolEnvironment({
    PATH: '/usr/bin',
    HOME: '/root',
    https_proxy: 'http://proxy:3128',
    PIP_CERT: '/etc/ssl/ca.pem',
    UV_INDEX_URL: 'https://index.test/simple',
    TIDEGATE_DATABASE_URL: 'postgres://user:word@host/name',
    AWS_SECRET_ACCESS_KEY: 'word',
  })

  expect(Object.keys(env).sort()).toEqual(['HOME', 'PATH', 'PIP_CERT', 'UV_INDEX_URL', 'https_proxy'])
  expect(secrets).toEqual({})
})

test('an index with a password in its address is a secret', () => {
  const { env, secrets } = toolEnvironment({
    PIP_INDEX_URL: 'https://ana:word@index.test/simple',
    PIP_EXTRA_INDEX_URL: 'https://index.test/a https://ana:word@index.test/b',
  })

  expect(env).toEqual({})
  expect(Object.keys(secrets)).toEqual(['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL'])
})
