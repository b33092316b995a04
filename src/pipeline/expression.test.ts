import { expect, test } from 'vitest'
import { bindExpression, evaluate, parseExpression, stepRuns, type ExpressionContext } from './expression.ts'

const CONTEXT: ExpressionContext = {
  branch: 'main',
  event: 'push',
  matrix: { seed: 1, python: '3.11' },
  params: { 'params.yaml': { train: { lr: 0.1, deep: true } } },
  outcome: (step) => ({ train: 'succeeded', unit: 'failed' })[step],
}

function valueOf(text: string, context = CONTEXT): unknown {
  const parsed = parseExpression(text)
  return parsed.ok ? evaluate(parsed.tree, context) : parsed.message
}

test.each([
  ["branch == 'main'", true],
  ['branch == "main" and event != \'push\'', false],
  ["branch == 'x' or event == 'push'", true],
  ["not branch == 'x'", true],
  ["not (branch == 'main' or true)", false],
  ['tag', null],
  ["tag == null and 'a' < 'b'", true],
  ['matrix.seed >= 1', true],
  ["matrix.seed == '1'", false],
  ["matrix.seed < 'a'", false],
  ['params.train.lr', 0.1],
  ['params.train.nothing', null],
  ['params.train.deep and true', true],
  ["steps.unit.outcome == 'failed'", true],
  ['steps.later.outcome', null],
  ["'it''s'", "it's"],
  ['${{ branch }}', 'main'],
  ['-1.5', -1.5],
  ['always()', true],
  ['failure()', false],
])('%s is %s', (text, value) => {
  expect(valueOf(text)).toBe(value)
})

test.each([
  ["branch = 'x'", 'write `==` instead of `=`'],
  ["branch == 'x' && true", 'write `and` instead of `&&`'],
  ['!success()', 'write `not` instead of `!`'],
  ["brnch == 'x'", 'there is no "brnch": did you mean "branch"?'],
  ["github.ref_name == 'x'", 'write `branch` instead of `github.ref_name`'],
  ["branch == 'x", 'this text has no closing quote'],
  ['(branch', 'this parenthesis is not closed'],
  ['branch ==', 'something is missing here'],
  ['branch event', '"event" is one word too many: write `and` or `or` between conditions'],
  ['steps.train', 'write `steps.<name>.outcome`'],
  ['matrix.a.b', 'write `matrix.<axis>`'],
  ['cancelled()', 'there is no function cancelled(): write success(), failure() or always()'],
  ["startsWith(branch, 'x')", 'there is no function startsWith(): write success(), failure() or always()'],
  ["branch, 'x'", '"," has no meaning here'],
  ['secrets.KEY', 'there is no "secrets.KEY": list KEY under `secrets` of the step, and write "$KEY" in its command'],
  ['env.A', 'there is no "env.A": in a command write "$A"'],
  ['github.sha', 'there is no "github.sha": in a command write "$TIDEGATE_COMMIT"'],
  ['success(1)', 'success() takes nothing'],
  ['', 'something is missing here'],
  ['branch.name', '`branch` has no parts'],
])('%s is answered with what to write', (text, message) => {
  expect(valueOf(text)).toBe(message)
})

test('a step without a condition runs when its needs succeeded', () => {
  expect(stepRuns(undefined, { ...CONTEXT, needs: 'succeeded' })).toBe(true)
  expect(stepRuns(undefined, { ...CONTEXT, needs: 'failed' })).toBe(false)
})

test('a condition that asks for no status holds only after success', () => {
  expect(stepRuns("branch == 'main'", { ...CONTEXT, needs: 'failed' })).toBe(false)
  expect(stepRuns("branch == 'main' and failure()", { ...CONTEXT, needs: 'failed' })).toBe(true)
  expect(stepRuns('always()', { ...CONTEXT, needs: 'failed' })).toBe(true)
  expect(stepRuns("branch == 'x' and always()", { ...CONTEXT, needs: 'succeeded' })).toBe(false)
})

test('a bound expression keeps only outcomes open, and no value can add to it', () => {
  const context = { ...CONTEXT, branch: "x' or always() or 'y" }

  const bound = bindExpression(
    "branch == 'main' and not (steps.unit.outcome == 'failed') and matrix.seed == 1",
    context,
  )

  expect(bound).toBe("((('x'' or always() or ''y' == 'main') and not ((steps.unit.outcome == 'failed'))) and (1 == 1))")
  expect(valueOf(bound)).toBe(false)
})
