import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'

/**
 * `<data>/pushes/<id>.json`: a push that was about to move refs when it was written, and whose rows may not
 * exist yet. It is on disk before refs move and goes when the rows are there, so after a crash it is the
 * list of what to look at.
 */
const JournalEntry = z.object({
  id: z.uuid(),
  repository: z.string(),
  person: z.string(),
  at: z.number(),
  /** Of `git receive-pack`: while it lives, refs may still move. */
  pid: z.number(),
  updates: z.array(z.object({ ref: z.string(), oldCommit: z.string(), newCommit: z.string() })).readonly(),
})
export type JournalEntry = Readonly<z.infer<typeof JournalEntry>>

export async function writeJournalEntry(dataFolder: string, entry: JournalEntry): Promise<void> {
  const folder = await journalFolder(dataFolder)
  const temporary = join(folder, `.${entry.id}`)
  await using file = await open(temporary, 'wx', 0o600)
  await file.writeFile(JSON.stringify(entry))
  await file.sync()
  await rename(temporary, join(folder, `${entry.id}.json`))
  await using directory = await open(folder, 'r')
  await directory.sync()
}

export async function removeJournalEntry(dataFolder: string, id: string): Promise<void> {
  await rm(join(await journalFolder(dataFolder), `${id}.json`), { force: true })
}

/** Oldest first. */
export async function readJournal(dataFolder: string): Promise<JournalEntry[]> {
  const folder = await journalFolder(dataFolder)
  const entries: JournalEntry[] = []
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json')) continue
    const text = await readIfThere(join(folder, name))
    if (text !== undefined) entries.push(parseEntry(text))
  }
  return entries.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
}

/** Before an upgrade each project was its repository, and entries said `project`. */
function parseEntry(text: string): JournalEntry {
  const { project, ...entry } = JSON.parse(text) as Record<string, unknown>
  return JournalEntry.parse({ repository: project, ...entry })
}

async function journalFolder(dataFolder: string): Promise<string> {
  const folder = resolve(dataFolder, 'pushes')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** An entry may be settled and removed between listing and reading. */
async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
