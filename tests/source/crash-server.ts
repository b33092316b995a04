import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openDatabase, type Database } from '../../src/db/open-database.ts'
import { createGitServer } from '../../src/source/git-server.ts'
import { authorizeByName } from './git-place.ts'

/**
 * A git server in a process of its own that kills itself with -9 where it is told to: `before-rows` when
 * refs have moved and the rows are about to be written, `after-rows` when they are and the journal still
 * says otherwise, `in-progress` while the pusher watches, `never`.
 */
const [url, dataFolder, when] = process.argv.slice(2) as [string, string, string]

const database = await openDatabase(url)
const git = await createGitServer({
  database: dying(database),
  dataFolder,
  authorize: authorizeByName,
  refusal: async () => undefined,
  async *progress() {
    yield 'watching'
    if (when === 'in-progress') dieNow()
  },
  onError: (error) => process.stderr.write(`${String(error)}\n`),
})
const server = createServer((request, response) => void git.handle(request, response))
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})

function dying(whole: Database): Database {
  return {
    ...whole,
    async write(work) {
      if (when === 'before-rows') dieNow()
      const result = await whole.write(work)
      if (when === 'after-rows') dieNow()
      return result
    },
  }
}

function dieNow(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('still alive')
}
