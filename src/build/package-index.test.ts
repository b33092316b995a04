import { expect, test } from 'vitest'
import { indexIdentity, pipConfigPaths, readPackageIndex, uvVariables } from './package-index.ts'

const CONFIG = `
[global]
index-url = https://mirror.test/simple
extra-index-url =
    https://one.test/simple
    https://two.test/simple
; a comment
cert = /etc/ca.pem
[freeze]
timeout = 3
`

test('what pip is told in its files and by PIP_* is what uv is told', () => {
  const index = readPackageIndex([CONFIG], {
    PIP_FIND_LINKS: '/wheels',
    PIP_DEFAULT_TIMEOUT: '180',
    PIP_PROXY: 'http://proxy:3128',
  })

  const variables = uvVariables(index, {})

  expect(variables).toEqual({
    UV_DEFAULT_INDEX: 'https://mirror.test/simple',
    UV_INDEX: 'https://one.test/simple https://two.test/simple',
    UV_FIND_LINKS: '/wheels',
    UV_HTTP_TIMEOUT: '180',
    UV_INDEX_STRATEGY: 'unsafe-best-match',
    SSL_CERT_FILE: '/etc/ca.pem',
    ALL_PROXY: 'http://proxy:3128',
  })
})

test('a variable outweighs a file, and a later file an earlier one', () => {
  const files = ['[global]\nindex-url = https://a.test', '[install]\nindex_url: https://b.test']

  expect(readPackageIndex(files, {}).indexUrl).toBe('https://b.test')
  expect(readPackageIndex(files, { PIP_INDEX_URL: 'https://c.test' }).indexUrl).toBe('https://c.test')
})

test('what a person has set for uv itself is left alone', () => {
  const index = readPackageIndex([CONFIG], {})

  expect(uvVariables(index, { UV_DEFAULT_INDEX: 'https://mine.test' })).not.toHaveProperty('UV_DEFAULT_INDEX')
})

test('a new password for the same index does not resolve anew', () => {
  const before = readPackageIndex([], { PIP_INDEX_URL: 'https://ana:old@mirror.test/simple' })
  const after = readPackageIndex([], { PIP_INDEX_URL: 'https://ana:new@mirror.test/simple' })

  expect(indexIdentity(after)).toEqual(indexIdentity(before))
  expect(JSON.stringify(indexIdentity(before))).not.toContain('old')
})

test('configuration files are read weakest first, and PIP_CONFIG_FILE=/dev/null turns them off', () => {
  expect(pipConfigPaths({ HOME: '/home/ana', PIP_CONFIG_FILE: '/x.conf' })).toEqual([
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
    '/home/ana/.pip/pip.conf',
    '/home/ana/.config/pip/pip.conf',
    '/x.conf',
  ])
  expect(pipConfigPaths({ PIP_CONFIG_FILE: '/dev/null' })).toEqual([])
})
