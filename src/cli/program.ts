import type { Command } from 'commander'
import { createLocalProgram } from './local-program.ts'
import { registerAcceptance } from './remote/acceptance.ts'
import { registerAccount } from './remote/account.ts'
import { registerArtifacts } from './remote/artifacts.ts'
import { registerData } from './remote/data.ts'
import { registerDelivery } from './remote/delivery.ts'
import { registerLogs } from './remote/logs.ts'
import { registerProjects } from './remote/projects.ts'
import { registerReport } from './remote/report.ts'
import { registerRuns } from './remote/runs.ts'
import { registerTests } from './remote/tests.ts'

/** The whole command line: what runs on this machine first, then what asks a server. */
export function createProgram(version: string): Command {
  const program = createLocalProgram(version)
  registerAccount(program)
  registerProjects(program)
  registerRuns(program)
  registerReport(program)
  registerArtifacts(program)
  registerLogs(program)
  registerTests(program)
  registerData(program)
  registerDelivery(program)
  registerAcceptance(program)
  return program
}
