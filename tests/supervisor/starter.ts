import { readFileSync } from 'node:fs'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { untilEnded } from '../contract/executor.ts'
import type { AttemptOrder } from '../../src/core/ports/executor.ts'

/**
 * Submits orders as a server does, with a spare supervisor waiting beside them, each but the last to its end,
 * and then only waits to be killed.
 */
const [executorFolder = '', ordersFile = ''] = process.argv.slice(2)
const executor = openLocalExecutor({ folder: executorFolder, spares: 1 })
const orders = JSON.parse(readFileSync(ordersFile, 'utf8')) as AttemptOrder[]
for (const order of orders) {
  const handle = await executor.submit(order, {})
  if (order !== orders.at(-1)) await untilEnded(executor, handle)
}
console.log('submitted')
setInterval(() => undefined, 1_000)
