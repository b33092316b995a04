import { readFileSync } from 'node:fs'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import type { AttemptOrder } from '../../src/core/ports/executor.ts'

/** Submits one order as a server does, with a spare supervisor waiting beside it, and then only waits to be killed. */
const [executorFolder = '', orderFile = ''] = process.argv.slice(2)
const executor = openLocalExecutor({ folder: executorFolder, spares: 1 })
const order = JSON.parse(readFileSync(orderFile, 'utf8')) as AttemptOrder
await executor.submit(order, {})
console.log('submitted')
setInterval(() => undefined, 1_000)
