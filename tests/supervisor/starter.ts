import { readFileSync } from 'node:fs'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { untilEnded } from '../contract/executor.ts'
import type { AttemptOrder } from '../../src/core/ports/executor.ts'

/**
 * Submits orders as a server does, with a spare supervisor waiting beside them, each but the last to its end,
 * and then only waits to be killed. The last one is never confirmed, where that is asked for.
 */
const [executorFolder = '', ordersFile = '', unconfirmed] = process.argv.slice(2)
const executor = openLocalExecutor({ folder: executorFolder, spares: 1 })
const orders = JSON.parse(readFileSync(ordersFile, 'utf8')) as AttemptOrder[]
for (const order of orders) {
  const isLast = order === orders.at(-1)
  const confirmed = isLast && unconfirmed !== undefined ? new Promise<void>(() => undefined) : Promise.resolve()
  const handle = await executor.submit(order, {}, confirmed)
  if (!isLast) await untilEnded(executor, handle)
}
console.log('submitted')
setInterval(() => undefined, 1_000)
