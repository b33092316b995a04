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

test('an empty line of a secret, or one of blanks, hides nothing of other lines', () => {
  const text = 'a b          c\n\n        indented\n'

  expect(createMasker(['first long line\n\n      \n  \r\nlast long line\n']).text(text)).toBe(text)
})

test('a key in base64 is hidden also where its lines are broken, and innocent lines are shown at once', () => {
  const key = Array.from({ length: 30 }, (_, line) => `line ${line} of a long private key, ${line * 7919}`).join('\n')
  const encoded = Buffer.from(`user:${key}`).toString('base64')

  for (const width of [60, 64, 76]) {
    for (const end of ['\n', '\r\n']) {
      const text = `key:\n${encoded.match(new RegExp(`.{1,${width}}`, 'g'))?.join(end)}${end}done\n`
      const shown = maskInPieces([key], text, [5, 63, 64, 65, 66, 141, 142, 300])
      // What mixes with the text around it at either border may stay: it says nothing of the key.
      expect(shown.replaceAll('*', '').length).toBeLessThan('key:done'.length + 24)
    }
  }
  const masker = createMasker([key])
  expect(masker.push(Buffer.from('a line that ends with an l\n')).toString()).toBe('a line that ends with an l\n')
})

/** How programs write a text into their output: what each gives must be nowhere in what is shown. */
const ENCODINGS: Record<string, (text: string) => string> = {
  plain: (text) => text,
  json: (text) => JSON.stringify({ a: [text] }),
  'json in json': (text) => JSON.stringify(text),
  'ascii json': (text) =>
    JSON.stringify(text).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  url: (text) => `https://x/?q=${encodeURIComponent(text)}`,
  'lower-case url': (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  'url in a url': (text) => encodeURIComponent(`https://x/?q=${encodeURIComponent(text)}`),
  'form in a url': (text) => encodeURIComponent(new URLSearchParams({ q: text }).toString()),
  form: (text) => new URLSearchParams({ q: text, r: '1' }).toString(),
  'single quotes': (text) => `'${text.replaceAll("'", `'\\''`)}'`,
  'double quotes': (text) => `"${text.replace(/["$\\`]/g, String.raw`\$&`)}"`,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 after one': (text) => Buffer.from(`x${text}y`).toString('base64'),
  'base64 after two': (text) => Buffer.from(`xy${text}z`).toString('base64url'),
  'broken base64': (text) =>
    (
      Buffer.from(`user:${text}`.repeat(3))
        .toString('base64')
        .match(/.{1,76}/g) ?? []
    ).join('\n'),
}

test('no secret survives, in any encoding, however the stream is cut', () => {
  const unit = fc.constantFrom('a', 'B', '3', '"', "'", '\\', '/', '+', ' ', '$', '%', 'ö', '€', '\n', '{', '&')
  const secret = fc.string({ unit, minLength: 8, maxLength: 90 }).filter((text) => text.trim().length >= 8)
  const encoding = fc.constantFrom(...Object.keys(ENCODINGS))
  fc.assert(
    fc.property(secret, encoding, fc.array(fc.nat(400), { maxLength: 12 }), (secret, name, cuts) => {
      const encoded = ENCODINGS[name]?.(secret) ?? ''
      const text = `before ${encoded} after\n`

      const shown = maskInPieces([secret], text, cuts)

      expect(withoutSigns(shown)).toBe(withoutSigns(maskInPieces([secret], text, [])))
      expect(shown).toContain('***')
      expect(shown).not.toContain(secret)
      for (const piece of piecesOf(secret)) {
        for (const form of Object.values(ENCODINGS)) expect(shown.includes(coreOf(form(piece)))).toBe(false)
      }
    }),
    { numRuns: 400 },
  )
})

/** The sign of a first byte that is escaped is shown where the stream is cut after it. */
function withoutSigns(text: string): string {
  return text.replaceAll('%***', '***')
}

/** How a byte may stand in a URL. */
const ESCAPES: readonly ((byte: number) => string)[] = [
  (byte) => (byte === 32 ? '+' : byte < 128 ? String.fromCharCode(byte) : asEscape(byte)),
  (byte) => asEscape(byte),
  (byte) => asEscape(byte).toUpperCase(),
  (byte) => asEscape(byte).replace(/.$/, (digit) => digit.toUpperCase()),
  (byte) => asEscape(byte).replace('%', '%25'),
  (byte) => asEscape(byte).toUpperCase().replace('%', '%2525'),
]

const asEscape = (byte: number) => `%${byte.toString(16).padStart(2, '0')}`

test('a secret of which any bytes are escaped as in a URL, in either case, is hidden however the stream is cut', () => {
  const unit = fc.constantFrom('a', 'F', '2', '5', '%', '/', '+', ' ', '$', 'ö', '&', '%2', '%25')
  const secret = fc.string({ unit, minLength: 6, maxLength: 30 }).filter((text) => text.trim().length >= 6)
  const ways = fc.array(fc.nat(5), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(secret, ways, fc.array(fc.nat(200), { maxLength: 8 }), (text, chosen, cuts) => {
      const bytes = [...Buffer.from(text.trim())]
      const written = bytes.map((byte, at) => ESCAPES[chosen[at % chosen.length] ?? 0]?.(byte)).join('')

      const shown = maskInPieces([text], `?q=${written}&`, cuts)

      expect(shown).toMatch(/^\?q=%?\*\*\*&$/)
    }),
    { numRuns: 3_000 },
  )
})

test('an escape in each case in one text, and one of two, do not give a secret away', () => {
  const secret = 'pa/ss$wo rd/42'

  expect(createMasker([secret]).text('pa%2fss%24wo+rd%2F42 pa/ss%24wo%20rd/42 pa%2')).toBe('*** *** pa%2')
})

test('a secret in a URL that is a parameter of another is hidden, and what only looks like one is shown', () => {
  const secret = 'pa/ss wo%rd'

  const twice = encodeURIComponent(encodeURIComponent(secret))
  expect(twice).toBe('pa%252Fss%2520wo%2525rd')
  expect(createMasker([secret]).text(`to=${twice}&a=pa%25252Fss%252520wo%252525rd pa%252Fss%252Bwo%25rd`)).toBe(
    'to=***&a=*** ***',
  )
  expect(createMasker([secret]).text('pa%252Ess 25%25 of %25252')).toBe('pa%252Ess 25%25 of %25252')
})

test('a secret of nothing but signs is hidden in a text of nothing but escapes, however many ways there are to read it', () => {
  const secret = '%25'.repeat(40)

  expect(createMasker([secret]).text('%25'.repeat(20_000))).toMatch(/^[*]+(%25)*$/)
  expect(createMasker([secret]).text(`%${'25'.repeat(30_000)}`)).toMatch(/^%(25)*$/)
  expect(createMasker(['%'.repeat(100)]).text('%25'.repeat(20_000))).toMatch(/^[*]+(%25)*$/)
})

test('a percent sign is shown at once, and what a secret goes on with after it is not', () => {
  const masker = createMasker(['hunter22'])

  expect(masker.push(Buffer.from('at 10% of %41')).toString()).toBe('at 10% of %41')
  expect(masker.push(Buffer.from('now 20 %')).toString()).toBe('now 20 %')
  expect(masker.push(Buffer.from(' of it %')).toString()).toBe(' of it %')
  expect(masker.push(Buffer.from('68unter2')).toString()).toBe('')
  expect(masker.push(Buffer.from('2 %')).toString()).toBe('*** %')
  expect(masker.end().toString()).toBe('')
})

/** The secret itself, and lines of it that are long enough to say something. */
function piecesOf(secret: string): string[] {
  return [secret, ...secret.split('\n').filter((line) => line.trim().length >= 8)]
}

/** Without what an encoding puts around the text, and the padding that mixes with it. */
function coreOf(encoded: string): string {
  return encoded.slice(0, -4)
}

test('a secret too short to be told from innocent text masks nothing', () => {
  expect(createMasker(['e', '']).text('three trees')).toBe('three trees')
})

test('a token that is broken over lines leaves nothing of its parts, indented or not, however the stream is cut', () => {
  const token = `sk-proj-${'aB3dE5gH7j'.repeat(12)}`
  // As Python's `textwrap.wrap('Authorization: Bearer ' + token, 80)` has it, and with an indent.
  for (const between of ['\n', '\r\n', '\n    ']) {
    const text = `Authorization: Bearer ${token.slice(0, 58)}${between}${token.slice(58)}\nnext line\n`

    expect(maskInPieces([token], text, [])).toBe('Authorization: Bearer ***\nnext line\n')
    for (let cut = 20; cut < text.length; cut++)
      expect(maskInPieces([token], text, [cut, cut + 3])).toBe('Authorization: Bearer ***\nnext line\n')
  }
  expect(createMasker([token]).push(Buffer.from('a line that ends in s\n')).toString()).toBe('a line that ends in s\n')
})

test('a secret beyond ASCII is hidden as Python writes its bytes, and in ASCII', () => {
  const masker = createMasker(['pässwört €😀'])

  // print(v.encode()), print(ascii(v))
  expect(masker.text(String.raw`b'p\xc3\xa4ssw\xc3\xb6rt \xe2\x82\xac\xf0\x9f\x98\x80'`)).toBe("b'***'")
  expect(masker.text(String.raw`'p\xe4ssw\xf6rt \u20ac\U0001f600'`)).toBe("'***'")
})

test('the secret part of a key pair and of a URL is a secret too, what is no secret of them is not', () => {
  const masker = createMasker([
    'AKIAEXAMPLE:wJalr/XUtnFEMI',
    'https://bot:pa%24sword@example.com/x',
    'https://ghp_token42@github.com',
    'localhost:8080',
  ])

  expect(masker.text('id AKIAEXAMPLE key wJalr/XUtnFEMI')).toBe('id AKIAEXAMPLE key ***')
  expect(masker.text('bot of example.com: pa%24sword pa$sword')).toBe('bot of example.com: *** ***')
  expect(masker.text('github.com ghp_token42')).toBe('github.com ***')
  expect(masker.text('port 8080')).toBe('port 8080')
})

test('a member with quotes is hidden also in JSON within JSON', () => {
  const masker = createMasker([JSON.stringify({ password: 'pa"ss\\wö/rd' })])

  const text = JSON.stringify(JSON.stringify({ other: 'pa"ss\\wö/rd' }))
  expect(masker.text(text)).toBe(String.raw`"{\"other\":\"***\"}"`)
})

test('a secret is hidden as HTML and XML have it, whoever escaped it', () => {
  const masker = createMasker([`a&b<c>d"e'f`])
  const texts = {
    xml: `a&amp;b&lt;c&gt;d"e'f`,
    attribute: `a&amp;b&lt;c&gt;d&quot;e'f`,
    python: 'a&amp;b&lt;c&gt;d&quot;e&#x27;f',
    jinja: 'a&amp;b&lt;c&gt;d&#34;e&#39;f',
    php: 'a&amp;b&lt;c&gt;d&quot;e&#039;f',
    java: 'a&amp;b&lt;c&gt;d&quot;e&apos;f',
  }

  const shown = Object.values(texts).map((text) => masker.text(`<td>${text}</td>`))

  expect(new Set(shown)).toEqual(new Set(['<td>***</td>']))
})
