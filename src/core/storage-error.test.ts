import { expect, test } from 'vitest'
import { AppError } from './errors.ts'
import { isDiskFull, storageError } from './storage-error.ts'

function systemError(code: string, more: object = {}): Error {
  return Object.assign(new Error('it failed'), { code, ...more })
}

test.each([
  ['ENOSPC', {}, 'DISK_FULL'],
  ['EDQUOT', {}, 'DISK_FULL'],
  ['53100', {}, 'DISK_FULL'],
  ['ERR_SQLITE_ERROR', { errcode: 13 }, 'DISK_FULL'],
  ['EROFS', { path: '/data/x' }, 'READ_ONLY'],
  // The extended code of a database directory that cannot be written.
  ['ERR_SQLITE_ERROR', { errcode: 8 | (6 << 8) }, 'READ_ONLY'],
  ['ERR_SQLITE_ERROR', { errcode: 26 }, 'DAMAGED'],
  ['ERR_SQLITE_ERROR', { errcode: 11 }, 'DAMAGED'],
  ['ERR_SQLITE_ERROR', { errcode: 10 }, 'UPSTREAM'],
  ['ERR_SQLITE_ERROR', { errcode: 19 }, undefined],
  ['ENOENT', {}, undefined],
])('%s %o is told as %s', (code, more, told) => {
  expect(storageError(systemError(code, more))?.code).toBe(told)
})

test('what stands behind another error counts too, and the path is named', () => {
  const error = new AppError('INTERNAL', 'no', {}, { cause: systemError('ENOSPC', { path: '/data/store' }) })

  expect(isDiskFull(error)).toBe(true)
  expect(storageError(error)?.message).toContain('/data/store')
  expect(storageError('ENOSPC')).toBeUndefined()
})
