import type { Command } from 'commander'
import { registerBackup } from './backup.ts'
import { registerDemo } from './demo.ts'
import { registerDoctor } from './doctor.ts'
import { registerInit } from './init.ts'
import { registerLint } from './lint.ts'
import { registerRun } from './run.ts'
import { registerUp } from './up.ts'

/** Commands that work on this machine. Each imports what it needs when it runs. */
export function registerLocal(program: Command): void {
  registerUp(program)
  registerDemo(program)
  registerInit(program)
  registerLint(program)
  registerRun(program)
  registerDoctor(program)
  registerBackup(program)
}
