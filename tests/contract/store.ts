import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/lib/sha256.ts'
import type { Digest } from '../../src/core/digest.ts'
import type { Store } from '../../src/core/ports/store.ts'

/**
 * What every store does. `open` gives a new handle on the same, at first empty, store each time; `damage` changes
 * content behind its back.
 */
export function storeContract(
  open: () => Promise<Store>,
  damage: (store: Store, digest: Digest) => void | Promise<void>,
): void {
  test('what was put is there, by the digest of its bytes', async () => {
    await using store = await open()
    const bytes = randomBytes(1000)

    const { digest, size } = await store.put(bytes)

    expect({ digest, size }).toEqual({ digest: sha256(bytes), size: 1000 })
    expect(await store.has(digest)).toBe(1000)
    expect(await buffer(await store.get(digest))).toEqual(bytes)
  })

  test('a stream in many pieces is the same content as its bytes at once', async () => {
    await using store = await open()
    const bytes = randomBytes(3_000_000)
    const pieces = Array.from({ length: 30 }, (_, at) => bytes.subarray(at * 100_000, (at + 1) * 100_000))

    const streamed = await store.put(Readable.from(pieces))

    expect(streamed).toEqual(await store.put(bytes))
    expect(bytes.equals(await buffer(await store.get(streamed.digest)))).toBe(true)
  })

  test('nothing at all is content too', async () => {
    await using store = await open()

    const { digest, size } = await store.put(Buffer.alloc(0))

    expect(size).toBe(0)
    expect(await store.has(digest)).toBe(0)
    expect(await buffer(await store.get(digest))).toHaveLength(0)
  })

  test('a range is read from its start up to before its end', async () => {
    await using store = await open()
    const { digest } = await store.put(Buffer.from('0123456789'))
    const read = async (start: number, end?: number) =>
      String(await buffer(await store.get(digest, end === undefined ? { start } : { start, end })))

    expect(await read(2, 5)).toBe('234')
    expect(await read(7)).toBe('789')
    expect(await read(4, 4)).toBe('')
    expect(await read(8, 100)).toBe('89')
  })

  test('what is not there is undefined to `has` and NOT_FOUND to `get`', async () => {
    await using store = await open()
    const digest = sha256(randomBytes(8))

    expect(await store.has(digest)).toBeUndefined()
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('what was deleted is gone, and deleting it again is no error', async () => {
    await using store = await open()
    const { digest } = await store.put(randomBytes(10))

    await store.delete(digest)
    await store.delete(digest)

    expect(await store.has(digest)).toBeUndefined()
  })

  test('what was put since a time stays when only what is older shall go', async () => {
    await using store = await open()
    const { digest } = await store.put(randomBytes(10))

    expect(await store.delete(digest, Date.now() - 60_000)).toBe(false)
    expect(await store.has(digest)).toBe(10)
    expect(await store.delete(digest, Date.now() + 60_000)).toBe(true)
    expect(await store.has(digest)).toBeUndefined()
  })

  test('what was damaged is set aside, and can be put again', async () => {
    await using store = await open()
    const bytes = randomBytes(2_000)
    const { digest } = await store.put(bytes)
    await damage(store, digest)

    const wasDamaged = await store.setAside(digest)

    expect(wasDamaged).toBe(true)
    expect(await store.has(digest)).toBeUndefined()
    expect(await store.wasSetAside(digest)).toBe(true)
    expect(await store.put(bytes)).toEqual({ digest, size: 2_000 })
    expect(bytes.equals(await buffer(await store.get(digest)))).toBe(true)
  })

  test('what is whole is not set aside, nor what is not there', async () => {
    await using store = await open()
    const { digest } = await store.put(randomBytes(2_000))

    expect(await store.setAside(digest)).toBe(false)
    expect(await store.setAside(sha256(randomBytes(8)))).toBe(false)

    expect(await store.has(digest)).toBe(2_000)
    expect(await store.wasSetAside(digest)).toBe(false)
  })

  test('everything is listed with its size and age', async () => {
    await using store = await open()
    const { digest } = await store.put(randomBytes(123))

    const seen = new Map<string, { size: number; modifiedAt: number }>()
    for await (const row of store.list()) seen.set(row.digest, row)

    expect(seen.get(digest)?.size).toBe(123)
    expect(Math.abs(Date.now() - (seen.get(digest)?.modifiedAt ?? 0))).toBeLessThan(60_000)
  })

  test('a stream that breaks off leaves nothing', async () => {
    await using store = await open()
    const start = randomBytes(100_000)
    const broken = Readable.from(
      (async function* () {
        yield start
        throw new Error('cable cut')
      })(),
    )

    await expect(store.put(broken)).rejects.toThrow('cable cut')

    expect(await store.has(sha256(start))).toBeUndefined()
  })

  test('several put the same at once, through several handles, and all succeed', async () => {
    await using one = await open()
    await using other = await open()
    const bytes = randomBytes(500_000)

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? one : other).put(at % 3 ? bytes : Readable.from([bytes]))),
    )

    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const
    expect(new Set(answers.map((answer) => answer.digest))).toEqual(new Set([digest]))
    expect(bytes.equals(await buffer(await one.get(digest)))).toBe(true)
  })
}
