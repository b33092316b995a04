import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMasker } from './mask.ts'

function maskInPieces(secrets: string[], text: string, cuts: number[]): string {
  const masker = createMasker(secrets)
  const bytes = Buffer.from(text)
  const borders = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  const shown: Buffer[] = []
  let from = 0
  for (const to of borders) {
    shown.push(masker.push(bytes.subarray(from, to)))
    from = to
  }
  return Buffer.concat([...shown, masker.end()]).toString('utf8')
}

test('a secret that arrives one byte at a time is not shown', () => {
  const text = 'token=hunter22 and again hunter22!'

  const shown = maskInPieces(
    ['hunter22'],
    text,
    text.split('').map((_, at) => at),
  )

  expect(shown).toBe('token=*** and again ***!')
})

test('wherever a stream is cut, it is masked as if it came at once', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 9 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 80 })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), text, fc.array(fc.nat(80)), (secrets, text, cuts) => {
      const shown = maskInPieces(secrets, text, cuts)

      expect(shown).toBe(maskInPieces(secrets, text, []))
      for (const secret of secrets) expect(shown).not.toContain(secret)
    }),
  )
})

test('what holds no secret passes unchanged, bytes that are no text included', () => {
  const masker = createMasker(['hunter22'])
  const bytes = Buffer.from([0, 255, 13, 104, 117, 110, 10, 104])

  expect(Buffer.concat([masker.push(bytes), masker.end()])).toEqual(bytes)
})

test('only the beginning of a possible secret is held back', () => {
  const masker = createMasker(['hunter22'])

  expect(masker.push(Buffer.from('progress 10%\rhunt')).toString()).toBe('progress 10%\r')
  expect(masker.push(Buffer.from('ing\n')).toString()).toBe('hunting\n')
})

test('two secrets of which one begins in the other leave nothing of either', () => {
  expect(maskInPieces(['xyzab', 'abcde'], 'xyzab', [5])).toBe('***')
  expect(maskInPieces(['xyzab', 'abcde'], 'xyzabcde xyzabq', [5, 8, 14])).toBe('*** ***q')
})

test('a secret is found in base64 inside a longer text, in a URL and in JSON', () => {
  const secret = 'pa"ss wörd/42'
  const shown = createMasker([secret]).text(
    [
      Buffer.from(`user:${secret}`).toString('base64'),
      Buffer.from(`admin:${secret}!`).toString('base64url'),
      encodeURIComponent(secret),
      JSON.stringify({ secret }),
    ].join('\n'),
  )

  expect(shown.match(/\*\*\*/g)).toHaveLength(4)
  expect(shown).not.toContain('wörd')
  expect(shown).not.toContain('w%C3%B6rd')
})

test('lines and JSON members of a secret are secrets too, short ones are not', () => {
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n-----END KEY-----\n'
  const json = '{ "user": "bot", "password": "s3cr3t-s3cr3t" }'
  const masker = createMasker([key, json])

  expect(masker.text('MIIEvQIBADANBg ab s3cr3t-s3cr3t bot { }')).toBe('*** ab *** bot { }')
})

test('a secret too short to be told from innocent text masks nothing', () => {
  expect(createMasker(['e', '']).text('three trees')).toBe('three trees')
})
