import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openOutputPipe } from './output-pipe.ts'
import { supervise, type StartLine } from './supervise.ts'

/**
 * The supervisor's program: beside one command, in a session of its own, holding on to nothing of who
 * started it. It may be started before there is anything to do, as a spare: it is ready then, and waits for
 * its line on stdin. Stdin that ends without one (the server stopped) ends it.
 */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const taskEntry = fileURLToPath(new URL(`../main.${extension}`, import.meta.url))

const pipe = openOutputPipe()
const line = await text(process.stdin)
if (line !== '') await supervise({ taskEntry, ...(JSON.parse(line) as Omit<StartLine, 'taskEntry'>) }, pipe)
// A process nobody could kill may hold the pipe open; nothing of ours is left to do.
process.exit()
