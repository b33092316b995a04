import { chmod, lstat, mkdir, mkdtemp, readdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeFolder } from './remove-folder.ts'

async function place(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-remove-'))
  onTestFinished(() => removeFolder(path))
  return path
}

async function filled(path: string, count: number): Promise<string> {
  await mkdir(path)
  for (let at = 0; at < count; at++) await writeFile(join(path, `${at}.txt`), 'x')
  return path
}

test.for([
  ['nothing', 0],
  ['a few files', 3],
  ['many files', 200],
] as const)('a folder with %s is removed', async ([, count]) => {
  const folder = await place()
  await removeFolder(await filled(join(folder, 'it'), count))
  expect(await readdir(folder)).toEqual([])
})

test('folders below it go with it, also those that may not be written', async () => {
  const folder = await place()
  const it = await filled(join(folder, 'it'), 2)
  await chmod(await filled(join(it, 'below'), 2), 0o500)
  await removeFolder(it)
  expect(await readdir(folder)).toEqual([])
})

test('a large file goes too', async () => {
  const folder = await place()
  const it = await filled(join(folder, 'it'), 1)
  await truncate(join(it, '0.txt'), 1 << 24)
  await removeFolder(it)
  expect(await readdir(folder)).toEqual([])
})

test('what links lead to stays: a link in the folder, and one that stands for it', async () => {
  const folder = await place()
  const kept = await filled(join(folder, 'kept'), 2)
  const it = await filled(join(folder, 'it'), 1)
  await symlink(kept, join(it, 'folder'))
  await symlink(join(kept, '0.txt'), join(it, 'file'))
  await removeFolder(it)
  await symlink(kept, it)
  await removeFolder(it)
  expect(await readdir(kept)).toEqual(['0.txt', '1.txt'])
  await expect(lstat(it)).rejects.toThrow('ENOENT')
})

test('what is not there is no trouble', async () => {
  await expect(removeFolder(join(await place(), 'never'))).resolves.toBeUndefined()
})
