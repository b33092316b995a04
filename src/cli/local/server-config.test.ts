import { expect, test } from 'vitest'
import { formatProblem } from '../../core/problem.ts'
import { parseServerFile } from './server-config.ts'

function problemsOf(text: string): string[] {
  return parseServerFile(text, 'server.yaml').problems.map(formatProblem)
}

test('indexes, hosts and files that cannot be are named with their places', () => {
  const text = `packages:
  index-url: pypi.corp.example/simple
  extra-index-urls: [ftp://pypi.corp.example]
  trusted-hosts: [two words]
network:
  proxy: proxy:3128
  ca: corp.pem
`

  expect(problemsOf(text)).toEqual([
    expect.stringMatching(/^server\.yaml:2:14: .*packages\.index-url: write an address such as https:/),
    expect.stringMatching(/^server\.yaml:3:22: .*write an address such as https:/),
    expect.stringMatching(/^server\.yaml:4:19: .*write the name of a host/),
    expect.stringMatching(/^server\.yaml:6:10: .*write http:\/\/proxy/),
    expect.stringMatching(/^server\.yaml:7:7: .*write an absolute path/),
  ])
})

test('an unknown key is answered with the keys of its own section', () => {
  expect(problemsOf('packages: { index: x }\n')).toEqual([
    expect.stringContaining('unknown key "index": write one of index-url, extra-index-urls, trusted-hosts'),
  ])
})
