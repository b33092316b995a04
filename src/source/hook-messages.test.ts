import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readHookMessages } from './hook-messages.ts'

const [from, to] = ['a'.repeat(40), 'b'.repeat(40)]

async function read(...chunks: string[]) {
  const messages = []
  for await (const message of readHookMessages(Readable.from(chunks))) messages.push(message)
  return messages
}

test('a message is whole however its bytes arrive', async () => {
  const text = `pre\nquarantine incoming-x\nref ${from} ${to} refs/heads/main\nend\npost\nref ${from} ${to} refs/heads/$(x)\noption a b\nend\n`

  const once = await read(text)
  const bytewise = await read(...text.split(''))

  expect(once).toEqual(bytewise)
  expect(once).toEqual([
    {
      kind: 'pre',
      updates: [{ oldCommit: from, newCommit: to, ref: 'refs/heads/main' }],
      strange: [],
      options: [],
      quarantine: 'incoming-x',
    },
    {
      kind: 'post',
      updates: [{ oldCommit: from, newCommit: to, ref: 'refs/heads/$(x)' }],
      strange: [],
      options: ['a b'],
      quarantine: '',
    },
  ])
})

test('a message that its hook did not finish is none, and lines outside of one mean nothing', async () => {
  expect(await read(`pre\nref ${from} ${to} refs/heads/main\n`)).toEqual([])
  expect(await read(`ref ${from} ${to} refs/heads/main\nend\nnonsense\n`)).toEqual([])
})

test('a line that a pusher broke is no word of the hook', async () => {
  const text = `pre\nref ${from} ${to} refs/heads/a\nref end\nref post\nref ${from} ${to} refs/heads/b\nend\n`

  const [message, ...others] = await read(text)

  expect(others).toEqual([])
  expect(message).toMatchObject({ kind: 'pre', strange: ['end', 'post'] })
})
