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
  const text = `pre\nquarantine incoming-x\n${from} ${to} refs/heads/main\nend\npost\n${from} ${to} refs/heads/$(x)\noption a b\nend\n`

  const once = await read(text)
  const bytewise = await read(...text.split(''))

  expect(once).toEqual(bytewise)
  expect(once).toEqual([
    {
      kind: 'pre',
      updates: [{ oldCommit: from, newCommit: to, ref: 'refs/heads/main' }],
      options: [],
      quarantine: 'incoming-x',
    },
    {
      kind: 'post',
      updates: [{ oldCommit: from, newCommit: to, ref: 'refs/heads/$(x)' }],
      options: ['a b'],
      quarantine: '',
    },
  ])
})

test('a message that its hook did not finish is none, and lines outside of one mean nothing', async () => {
  expect(await read(`pre\n${from} ${to} refs/heads/main\n`)).toEqual([])
  expect(await read(`${from} ${to} refs/heads/main\nend\nnonsense\n`)).toEqual([])
})
