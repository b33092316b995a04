import type { CrashPlace } from './crash-place.ts'
import { untilTrue } from './patience.ts'
import { pipeline, step } from './story.ts'
import { push } from './telling.ts'

/** One project that pushes, waits for its run, and pushes again, without end. */
export interface PushLoad {
  /** When the run under way has ended; answers how many there were. Fails where one has not succeeded. */
  stop(): Promise<number>
}

const RETRY = 'retry: { on: [executor-lost, signal], limit: 20 }'

export async function pushLoad(crash: CrashPlace, name: string): Promise<PushLoad> {
  const files = pipeline(
    step('work', 'cat data.txt > out.txt; sleep 0.2', `outs: [out.txt]\n    ${RETRY}`) +
      step('report', 'cat out.txt; sleep 0.1', `needs: [work]\n    ${RETRY}`),
  )
  const project = await crash.place.project(name, files(crash.folders))
  const teller = crash.teller(project)
  const stopping = new AbortController()
  const running = goOn()

  async function goOn(): Promise<number> {
    for (let number = 1; ; number += 1) {
      if (number > 1) await project.commit({ 'data.txt': `data ${number}\n` })
      await push(teller)
      await untilTrue(`${name}#${number} to end`, async () => {
        const run = await project.run(number).catch(() => undefined)
        return run?.endedAt ?? undefined
      })
      if (stopping.signal.aborted) return number
    }
  }

  return {
    async stop() {
      stopping.abort()
      return running
    },
  }
}
