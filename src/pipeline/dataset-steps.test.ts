import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { lintPipeline } from './lint.ts'
import { parsePipeline } from './parse-pipeline.ts'
import { planRun } from './plan-run.ts'

test('expressions of a query are variables of its command, those of the whole file too', () => {
  const { pipeline } = parsePipeline(`
env: { SHARED: "\${{ branch }}" }
data: { raw.csv: { run: 'python q.py \${{ params.since }}', env: { OWN: "\${{ event }}" }, deps: [q.py] } }
steps: { a: { run: echo, cache: false } }
`)
  if (pipeline === undefined) throw new Error('the file has errors')

  const { plan } = planRun(pipeline, {
    project: 'p',
    branch: 'main',
    defaultBranch: 'main',
    event: 'push',
    files: ['q.py', 'params.yaml'],
    readText: (path) => (path === 'params.yaml' ? 'since: 2020' : undefined),
  })

  expect(plan?.steps.find(({ key }) => key === 'query:raw.csv')?.work).toMatchObject({
    run: 'python q.py "$TIDEGATE_EXPR_1"',
    env: { SHARED: 'main', OWN: 'push', TIDEGATE_EXPR_1: '2020' },
  })
})

test('expressions of a query are checked as those of a step without a matrix', () => {
  const problems = lintPipeline(`
data:
  raw.csv:
    deps: []
    run: echo $(( \${{ params.n }} )) \${{ brnch }}
    env: { A: "\${{ matrix.x }}", B: "\${{ success() }}" }
steps: { a: { run: echo, cache: false } }
`)

  expect(problems.map(formatProblem)).toEqual([
    'tidegate.yaml:5:19: data["raw.csv"].run: ${{ params.n }} stands inside $(( )): give it to a variable of `env` first',
    'tidegate.yaml:5:42: data["raw.csv"].run: in ${{ brnch }}: there is no "brnch": did you mean "branch"?',
    'tidegate.yaml:6:20: data["raw.csv"].env.A: the step has no matrix axis "x"',
    'tidegate.yaml:6:42: data["raw.csv"].env.B: success() is known only in `if`',
  ])
})
