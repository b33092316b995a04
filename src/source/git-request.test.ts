import { expect, test } from 'vitest'
import { isGitPath, parseGitRequest, protocolOf, tokenOf } from './git-request.ts'

test('the four requests of a git client are understood', () => {
  expect(parseGitRequest('GET', '/digits.git/info/refs?service=git-upload-pack')).toEqual({
    repository: 'digits',
    service: 'upload-pack',
    kind: 'advertise',
  })
  expect(parseGitRequest('GET', '/digits.git/info/refs?service=git-receive-pack')?.service).toBe('receive-pack')
  expect(parseGitRequest('POST', '/digits.git/git-upload-pack')?.kind).toBe('call')
  expect(parseGitRequest('POST', '/digits.git/git-receive-pack')).toEqual({
    repository: 'digits',
    service: 'receive-pack',
    kind: 'call',
  })
})

test('other paths, services, methods and names are not git requests', () => {
  const others: [string, string][] = [
    ['GET', '/digits.git/HEAD'],
    ['GET', '/digits.git/info/refs'],
    ['GET', '/digits.git/info/refs?service=git-daemon'],
    ['GET', '/digits.git/git-upload-pack'],
    ['POST', '/digits.git/info/refs?service=git-upload-pack'],
    ['POST', '/../etc.git/git-upload-pack'],
    ['POST', '/Digits.git/git-upload-pack'],
    ['POST', '/api/v1/runs'],
  ]

  for (const [method, url] of others) expect(parseGitRequest(method, url)).toBeUndefined()
  expect(isGitPath('/digits.git/HEAD')).toBe(true)
  expect(isGitPath('/api/v1/runs')).toBe(false)
})

test('a token comes as bearer or as the password of any user', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

  expect(tokenOf('Bearer tg_abc')).toBe('tg_abc')
  expect(tokenOf(basic('ana:tg_abc'))).toBe('tg_abc')
  expect(tokenOf(basic(':tg_abc'))).toBe('tg_abc')
  for (const none of [undefined, '', 'Basic', 'Bearer ', basic('ana:'), 'Digest x=y']) {
    expect(tokenOf(none)).toBeUndefined()
  }
})

test('a protocol header that could be anything else than a protocol is dropped', () => {
  expect(protocolOf('version=2')).toBe('version=2')
  for (const bad of [undefined, ['a', 'b'], 'a\nb', 'x'.repeat(200), '']) expect(protocolOf(bad)).toBeUndefined()
})
