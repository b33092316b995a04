import type { TestPerson, TestProject } from '../harness/server.ts'
import type { Files } from '../source/git-place.ts'
import type { Arms } from './arms.ts'

/** One project, and what people do with it while processes die. */
export interface Story {
  readonly name: string
  /** Moves that no other story reaches: it is told again when one is still waited for. */
  readonly only?: readonly string[]
  readonly files: (folders: { readonly executions: string; readonly doors: string }) => Files
  play(teller: Teller): Promise<void>
}

export interface Teller {
  readonly person: TestPerson
  readonly admin: TestPerson
  /** Signs acceptance. */
  readonly tess: TestPerson
  /** May deploy; whoever does so approves nothing of it. */
  readonly mia: TestPerson
  readonly project: TestProject
  readonly arms: Arms
  readonly dataFolder: string
  /** For what a step waits for; steps see it as `$DOORS`. */
  readonly doors: string
  killServer(): Promise<void>
  /** One request to the model of the project. */
  infer(environment: string): Promise<void>
}

/**
 * Says that it was executed, then prints what is the same each time. The variable is not named in one word: a step that names its
 * attempt is never answered by another one's.
 */
const SAY = `eval "attempt=\\$TIDEGATE_"ATTEMPT
      echo ran >> "$EXECUTIONS/$(echo "$attempt" | tr '/#' '__')"
      for line in $(seq 200); do echo "line $line of $TIDEGATE_STEP"; done`

/** A project of these steps. */
export function pipeline(steps: string, top = ''): Story['files'] {
  return ({ executions, doors }) => ({
    'data.txt': 'one\n',
    'tidegate.yaml': `env: { EXECUTIONS: "${executions}", DOORS: "${doors}" }\n${top}steps:\n${steps}`,
  })
}

/** One that says that it was executed, and prints what is the same each time. */
export function step(name: string, run: string, more = ''): string {
  return `  ${name}:
    resources: { cpus: 0.1 }
${more === '' ? '' : `    ${more}\n`}    run: |
      ${SAY}
      ${run}
`
}
