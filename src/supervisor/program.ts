import { writeSync } from 'node:fs'
import { openFolderStore, type FolderStore } from '../drivers/store/folder/folder-store.ts'
import { createControlGroups } from '../lib/control-group.ts'
import { createPipes } from './output-pipe.ts'
import { linesOf } from '../lib/lines-of.ts'
import { programFile } from '../lib/own-files.ts'
import { createRecordSync } from './record-sync.ts'
import { supervise, type SupervisorEnd } from './supervise.ts'
import type { StartOrder, SupervisorWord } from '../core/attempt-files.ts'

/**
 * The supervisor's program: beside one command at a time, in a session of its own. It may be started before
 * there is anything to do, and serves one attempt after another while whoever started it is there: starting
 * Node costs ten times what supervising a short command does. Stdin that ends (the server stopped, or was
 * killed) ends it when nothing is under way; an attempt that is under way is brought to its end first.
 */
const taskEntry = programFile('main')

/** One that has served for long starts anew, whatever it may have gathered. */
const MOST_ATTEMPTS = 500
const MOST_BYTES = 160 << 20

/**
 * Starting a command copies the page tables of all memory that is this process's own, a tenth of a millisecond for each
 * megabyte. One that had to make JavaScript of our sources has twice as much, and has left what it made to those that come after it.
 */
const isHeavy = loadedByNode().includes('NativeModule internal/deps/amaro/dist/index')

const pipes = createPipes()
const groups = createControlGroups()
const records = createRecordSync()
const stores = new Map<string, Promise<FolderStore>>()
let served = 0
let goesOn = true
const lines = linesOf(process.stdin)
for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
  const confirmed = lines.next()
  const start = { taskEntry, ...(JSON.parse(line.value) as StartOrder), confirmed }
  await supervise(start, { takePipe: () => pipes.take(), groups, openStore, records, onEnd })
  if (!goesOn) break
  pipes.fill()
}
records.syncNow()
// A process nobody could kill may hold the pipe open; nothing of ours is left to do.
process.exit()

/**
 * That it takes the next line is said at once: whoever hears of the record may have an attempt ready, and would start another
 * supervisor for it. The line waits for the little that is left to do here.
 */
function onEnd(end: SupervisorEnd): void {
  served += 1
  const isWorn = isHeavy || served === MOST_ATTEMPTS || process.memoryUsage.rss() > MOST_BYTES
  goesOn = end === 'clean' && !isWorn
  if (goesOn) say('ready')
  say('done')
}

/** The folder of the installation, as a rule the same for all attempts. */
function openStore(folder: string): Promise<FolderStore> {
  const opened = stores.get(folder) ?? openFolderStore(folder)
  stores.set(folder, opened)
  opened.catch(() => stores.delete(folder))
  return opened
}

/** Known to Node alone, which does not promise it: without it nobody is heavy. */
function loadedByNode(): readonly string[] {
  return (process as { readonly moduleLoadList?: readonly string[] }).moduleLoadList ?? []
}

/** Nobody listens where the server is gone, and nothing depends on it. */
function say(word: SupervisorWord): void {
  try {
    writeSync(1, `${word}\n`)
  } catch {
    // A pipe whose other end is closed.
  }
}
