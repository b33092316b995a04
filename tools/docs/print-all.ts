import { printArchitecture } from './print-architecture.ts'
import { printCli } from './print-cli.ts'
import { printErrors } from './print-errors.ts'
import { printEvents } from './print-events.ts'
import { printLimits } from './print-limits.ts'
import { printOpenApi } from './print-openapi.ts'
import { printPipelineDocs } from './print-pipeline.ts'
import { printRoles } from './print-roles.ts'
import { printServerYaml } from './print-server-yaml.ts'
import { printStates } from './print-states.ts'
import { stalePages, writePages, type Pages } from './write-pages.ts'

/** Everything in the documentation that comes from code. */
export function printAll(): Pages {
  return {
    ...printArchitecture(),
    ...printCli(),
    ...printErrors(),
    ...printEvents(),
    ...printLimits(),
    ...printOpenApi(),
    ...printPipelineDocs(),
    ...printRoles(),
    ...printServerYaml(),
    ...printStates(),
  }
}

/** `--check` writes nothing, and exits 1 naming the pages that the code has left behind. */
if (import.meta.main) {
  const stale = stalePages(printAll())
  if (!process.argv.includes('--check')) writePages(printAll())
  else if (stale.length > 0) {
    console.error(`Not what the code says: ${stale.join(', ')}. \`npm run docs\` prints them anew.`)
    process.exitCode = 1
  }
}
