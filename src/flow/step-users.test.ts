import { expect, test } from 'vitest'
import { createStepUsers } from './step-users.ts'

test('no two attempts that are under way share a user, and one keeps its own', () => {
  const users = createStepUsers(200_000, [])
  const uids = Array.from({ length: 10_000 }, (_, index) => users.take(`p#1/step/${index}`).uid)

  expect(new Set(uids).size).toBe(10_000)
  expect(Math.max(...uids)).toBe(209_999)
  expect(users.take('p#1/step/7')).toEqual({ uid: uids[7], gid: uids[7] })
  expect(() => users.take('one more')).toThrow('10000 users')
})

test('a user comes round again only when its attempt has been closed', () => {
  const users = createStepUsers(200_000, [])
  const stays = users.take('stays').uid
  const seen = Array.from({ length: 20_000 }, (_, index) => {
    const { uid } = users.take(`p#${index}`)
    users.free(`p#${index}`)
    return uid
  })

  expect(seen).not.toContain(stays)
})
