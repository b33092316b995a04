import { openDummyExecutor } from './dummy/dummy-executor.ts'
import { openLocalExecutor } from './local/local-executor.ts'

/** Where attempts can run: one line each, named as its folder. */
export const EXECUTORS = {
  dummy: openDummyExecutor,
  local: openLocalExecutor,
} as const
