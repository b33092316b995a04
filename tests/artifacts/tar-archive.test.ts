import { execFile } from 'node:child_process'
import { lstat, mkdtemp, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createWriteStream } from 'node:fs'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { tarArchive, type TarMember } from '../../src/lib/tar-archive.ts'

const run = promisify(execFile)

function member(path: string, text: string, more: Partial<TarMember> = {}): TarMember {
  const content = Buffer.from(text)
  const size = more.kind === 'link' ? 0 : content.length
  return { path, kind: 'file', executable: false, size, content: () => Readable.from([content]), ...more }
}

test('tar reads what is written: long names, other alphabets, links, programs, empty files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-tar-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const deep = `${'a-folder-with-a-long-name/'.repeat(9)}größe.txt`
  const members = [
    member('run.sh', '#!/bin/sh\n', { executable: true }),
    member('empty', ''),
    member(deep, 'x'.repeat(1_025)),
    member('current', deep, { kind: 'link' }),
  ]

  await pipeline(Readable.from(tarArchive(members)), createWriteStream(join(folder, 'a.tar')))
  const { stderr } = await run('tar', ['-xf', 'a.tar'], { cwd: folder })

  expect(stderr).toBe('')
  expect((await readFile(join(folder, deep))).length).toBe(1_025)
  expect((await readFile(join(folder, 'empty'))).length).toBe(0)
  expect((await lstat(join(folder, 'run.sh'))).mode & 0o111).toBe(0o111)
  expect(await readlink(join(folder, 'current'))).toBe(deep)
  expect((await lstat(join(folder, 'a.tar'))).size % 10_240).toBe(0)
})
