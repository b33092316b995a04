import { setTimeout as sleep } from 'node:timers/promises'
import { getLog, getRun, type Step } from '../../api/runs.ts'
import type { Client } from '../../client/client.ts'
import { isAppError } from '../../core/errors.ts'
import { STEP_TRANSITIONS, type StepState } from '../../core/run-state.ts'
import { isFinal } from '../../core/transitions.ts'
import type { LogPlace } from './log-pieces.ts'

/** Between looks whether there is another attempt. */
const LOOK_MS = 500

/**
 * Numbers of a step's attempts, from the last on, each as it begins, until the step has ended. Says once why it has
 * none yet; a step that ends without one is refused with how it ended.
 */
export async function* attemptsOf(client: Client, params: LogPlace['params']): AsyncGenerator<number> {
  let given = 0
  let hasWaited = false
  for (let step = await stepOf(client, params); ; step = await stepAgain(client, params, step)) {
    if (step.attempt > given) {
      // Who has waited sees the first as well, though it may have ended between two looks.
      given = given === 0 && !hasWaited ? step.attempt : given + 1
      yield given
    } else if (isFinal<StepState>(STEP_TRANSITIONS, step.state)) {
      if (given === 0) await refuse(client, params)
      return
    } else {
      if (given === 0 && !hasWaited) console.error(`${params.step} has not begun: ${step.why ?? 'it waits'}`)
      hasWaited = true
      await sleep(LOOK_MS)
    }
  }
}

async function stepOf(client: Client, params: LogPlace['params']): Promise<Step> {
  const { steps } = await client.call(getRun, { params })
  return steps.find(({ key }) => key === params.step) ?? refuse(client, params)
}

/** A server that starts again meanwhile ends nothing. */
async function stepAgain(client: Client, params: LogPlace['params'], before: Step): Promise<Step> {
  try {
    return await stepOf(client, params)
  } catch (error) {
    if (isAppError(error, 'UPSTREAM')) return before
    throw error
  }
}

/** In the server's words: it knows why there is no log. */
async function refuse(client: Client, params: LogPlace['params']): Promise<never> {
  await client.fetch(getLog, { params, query: { limit: 1 } })
  throw new Error(`the server has a log of ${params.step}, of which it knew no attempt`)
}
