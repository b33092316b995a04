import { expect, test } from 'vitest'
import { errorText } from './error-text.ts'

const DEBUGGER = `<!doctype html>
<html lang=en>
  <head>
    <title>ValueError: x is negative // Werkzeug Debugger</title>
    <style>p { color: red }</style>
  </head>
  <body>${'<p>frame</p>'.repeat(5_000)}</body>
</html>`

test.each([
  ['{"error": "x is negative"}', 'x is negative'],
  ['{"detail": "no such model"}', 'no such model'],
  [
    DEBUGGER,
    'it answered with status 500 (ValueError: x is negative // Werkzeug Debugger); why may stand in what it prints',
  ],
  ['<html><head><script>let a = 1 < 2</script></head><h1>Internal\n Server Error</h1>', '(Internal Server Error)'],
  ['Traceback: 1 < 2', '(Traceback: 1 < 2)'],
  ['{"detail": [{"loc": "x"}]}', '({"detail": [{"loc": "x"}]})'],
  ['', 'it answered with status 500; why'],
])('of %j it takes the words', (body, text) => {
  expect(errorText(500, body)).toContain(text)
})

test.each([JSON.stringify({ error: 'x'.repeat(9_000) }), 'word '.repeat(9_000), '<p'.repeat(9_000)])(
  'however long an answer is, it is cut to a line',
  (body) => {
    expect(errorText(500, body).length).toBeLessThan(400)
  },
)
