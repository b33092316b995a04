import { expect, test } from 'vitest'
import { MACHINE_SETTINGS } from '../core/tool-settings.ts'
import { applyToolSettings } from './apply-tool-settings.ts'

test('where server.yaml says nothing, the environment is as it was', () => {
  const environment = { PATH: '/usr/bin', UV_DEFAULT_INDEX: 'https://index.test', https_proxy: 'http://p' }

  expect(applyToolSettings(environment, MACHINE_SETTINGS)).toEqual(environment)
})

test('what it says takes the place of every other name for the same, small letters too', () => {
  const before = {
    PATH: '/usr/bin',
    UV_INDEX_URL: 'https://old.test/simple',
    UV_EXTRA_INDEX_URL: 'https://kept.test/simple',
    https_proxy: 'http://old:1',
    all_proxy: 'http://old:2',
    REQUESTS_CA_BUNDLE: '/old.pem',
  }

  const after = applyToolSettings(before, {
    packages: { indexUrl: 'https://new.test/simple', extraIndexUrls: [], trustedHosts: ['a', 'b'] },
    network: { proxy: 'http://new:3', noProxy: ['localhost', '.corp'], ca: '/new.pem' },
  })

  expect(after).toEqual({
    PATH: '/usr/bin',
    UV_EXTRA_INDEX_URL: 'https://kept.test/simple',
    PIP_INDEX_URL: 'https://new.test/simple',
    PIP_TRUSTED_HOST: 'a b',
    HTTP_PROXY: 'http://new:3',
    HTTPS_PROXY: 'http://new:3',
    NO_PROXY: 'localhost,.corp',
    SSL_CERT_FILE: '/new.pem',
    NODE_EXTRA_CA_CERTS: '/new.pem',
  })
})
