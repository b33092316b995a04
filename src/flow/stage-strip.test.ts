import { describe, expect, test } from 'vitest'
import type { DeploymentRow, RunRow, StepRow } from '../db/tables.ts'
import type { SessionRow } from '../delivery/acceptance/acceptance.sql.ts'
import { stageStrip, type StripFacts, type StripStage } from './stage-strip.ts'

const RUN = {
  state: 'succeeded',
  reason: null,
  commit_id: '0123456789abcdef',
  branch: 'main',
  person: 'ana',
  title: 'Train longer',
  created_at: 1_000,
  started_at: 1_250,
} as RunRow

function strip(facts: Partial<StripFacts>): Record<string, StripStage> {
  const stages = stageStrip({
    run: RUN,
    steps: [],
    tests: { passed: 0, failed: 0, skipped: 0, quarantined: 0 },
    gates: [],
    deployments: [],
    sessions: [],
    signers: [],
    lastEnvironment: 'production',
    alerts: [],
    ...facts,
  })
  return Object.fromEntries(stages.map((stage) => [stage.name, stage]))
}

function step(key: string, stage: string, state: StepRow['state'], more: Partial<StepRow> = {}): StepRow {
  const times = { started_at: 2_000, ended_at: 5_000 }
  return { key, stage, state, cache: null, why: null, message: null, reason: null, ...times, ...more } as StepRow
}

function deployment(
  environment: string,
  state: DeploymentRow['state'],
  more: Partial<DeploymentRow> = {},
): DeploymentRow {
  const times = { approved_at: 10_000, live_at: null, ended_at: null }
  const row = { id: environment, model: 'digits', version: 3, environment, state, reason: null, weight: 0, ...times }
  return { ...row, ...more } as DeploymentRow
}

test('a run without steps has its commit, and nothing more to say', () => {
  const told = strip({})

  expect(Object.keys(told)).toHaveLength(8)
  expect(told['commit']).toMatchObject({
    number: 1,
    state: 'succeeded',
    seconds: 0.25,
    summary: '01234567 on main by ana: Train longer',
  })
  expect(
    new Set(
      Object.values(told)
        .slice(1)
        .map(({ state }) => state),
    ),
  ).toEqual(new Set(['none']))
})

test('an invalid pipeline file is trouble of the first stage', () => {
  const run = { ...RUN, state: 'invalid', reason: 'tidegate.yaml:2:3: rum is unknown' } as RunRow

  expect(strip({ run })['commit']).toMatchObject({ state: 'failed', summary: 'tidegate.yaml:2:3: rum is unknown' })
})

describe('steps', () => {
  test('of many only the first are named', () => {
    const steps = Array.from({ length: 12 }, (_, at) => step(`s${at}`, 'build', 'succeeded', { cache: 'off' }))

    expect(strip({ steps })['build']?.summary).toBe('ran s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 2 more')
  })

  test('training is part of the build, and what came from the cache is named', () => {
    const steps = [
      step('environment', 'build', 'succeeded', { cache: 'hit' }),
      step('train', 'train', 'succeeded', { cache: 'miss', ended_at: 9_000 }),
    ]

    expect(strip({ steps })['build']).toMatchObject({
      state: 'succeeded',
      seconds: 7,
      summary: 'ran train; from cache environment',
    })
  })

  test('what a rerun took over did not run', () => {
    const steps = [step('environment', 'build', 'succeeded'), step('train', 'train', 'succeeded', { cache: 'off' })]

    expect(strip({ steps })['build']?.summary).toBe('ran train; taken over environment')
  })

  test.each([
    [['succeeded', 'waiting'], 'running'],
    [['waiting', 'waiting'], 'waiting'],
    [['succeeded', 'running'], 'running'],
    [['succeeded', 'skipped'], 'succeeded'],
    [['skipped', 'skipped'], 'skipped'],
    [['succeeded', 'cancelled'], 'skipped'],
    [['running', 'failed'], 'failed'],
  ] as const)('%j together are %s', (states, state) => {
    const steps = states.map((one, index) => step(`s${index}`, 'build', one))

    expect(strip({ steps })['build']?.state).toBe(state)
  })

  test('a step that an `if` leaves out takes nothing from its stage, one behind a failure does', () => {
    const build = [step('environment', 'build', 'succeeded'), step('tell', 'train', 'skipped')]
    const tests = step('unit', 'unit-tests', 'failed')
    const later = step('contract', 'integration-tests', 'failed')

    expect(strip({ steps: build })['build']?.state).toBe('succeeded')
    expect(strip({ steps: [...build, later] })['build']?.state).toBe('succeeded')
    expect(strip({ steps: [...build, tests] })['build']?.state).toBe('skipped')
  })

  test('what was cancelled is named beside what ran', () => {
    const steps = [step('sources', 'build', 'succeeded', { cache: 'miss' }), step('train', 'train', 'cancelled')]

    expect(strip({ steps })['build']).toMatchObject({ state: 'skipped', summary: 'ran sources; cancelled train' })
  })

  test('a failing test stands behind the counts', () => {
    const steps = [step('unit', 'unit-tests', 'failed', { message: 'exit code 1' })]

    expect(strip({ steps, tests: { passed: 7, failed: 1, skipped: 2, quarantined: 0 } })['unit-tests']).toMatchObject({
      state: 'failed',
      summary: '7 passed, 1 failed, 2 skipped. unit: exit code 1',
    })
  })

  test('a gate that stops says why, where gates that hold are counted', () => {
    const gate = (outcome: string) => ({ title: 'accuracy', outcome, summary: `accuracy is ${outcome}` })
    const failed = [step('gates', 'integration-tests', 'failed', { message: 'no' })]
    const passed = [step('gates', 'integration-tests', 'succeeded')]

    expect(strip({ steps: failed, gates: [gate('pass'), gate('fail')] })['integration-tests']).toMatchObject({
      state: 'failed',
      summary: 'accuracy is fail',
    })
    expect(strip({ steps: passed, gates: [gate('pass'), gate('not-applicable')] })['integration-tests']).toMatchObject({
      state: 'succeeded',
      summary: '2 gates hold',
    })
  })
})

describe('deployments', () => {
  test.each([
    ['queued', 'waiting'],
    ['awaiting-approval', 'needs-person'],
    ['rolling-out', 'running'],
    ['held', 'needs-person'],
    ['live', 'succeeded'],
    ['rolled-back', 'failed'],
    ['superseded', 'skipped'],
  ] as const)('one that is %s is %s', (state, shown) => {
    expect(strip({ deployments: [deployment('production', state)] })['production']?.state).toBe(shown)
  })

  test('a rollout shows its weight', () => {
    const row = deployment('production', 'rolling-out', { weight: 0.05, reason: 'the phase lasts 600 s' })

    expect(strip({ deployments: [row] })['production']?.summary).toBe(
      'digits@3 rolling-out at 5 % in production: the phase lasts 600 s',
    )
  })

  test('what testers rejected was deployed to staging all the same', () => {
    const row = deployment('staging', 'rejected', { reason: 'tess did not accept it', ended_at: 12_000 })
    const session = { deployment_id: 'staging', state: 'rejected', testers: '["tess"]', created_at: 1, ended_at: 2_001 }
    const told = strip({ deployments: [row], sessions: [session as SessionRow] })

    expect(told['staging']).toMatchObject({ state: 'succeeded', seconds: 2 })
    expect(told['acceptance']).toMatchObject({ state: 'failed', seconds: 2, summary: 'tess did not accept it' })
    expect(told['production']?.state).toBe('none')
  })

  test('an accepted session names those who signed, not all who were asked', () => {
    const session = {
      deployment_id: 'staging',
      state: 'accepted',
      testers: '["tess","tom"]',
      created_at: 1,
      ended_at: 2,
    }
    const deployments = [deployment('staging', 'live', { live_at: 11_000 })]

    expect(strip({ deployments, sessions: [session as SessionRow], signers: ['tom'] })['acceptance']).toMatchObject({
      state: 'succeeded',
      summary: 'accepted by tom',
    })
  })

  test('an open session needs its testers, one that a newer version ended needs nobody', () => {
    const base = { deployment_id: 'staging', testers: '["tess","tom"]', required: 1, created_at: 1, ended_at: null }
    const open = strip({
      deployments: [deployment('staging', 'awaiting-acceptance')],
      sessions: [{ ...base, state: 'open' } as SessionRow],
    })
    const over = strip({
      deployments: [deployment('staging', 'superseded', { reason: 'version 4 came after it' })],
      sessions: [{ ...base, state: 'void' } as SessionRow],
    })

    expect(open['acceptance']).toMatchObject({ state: 'needs-person', summary: '1 of tess, tom must sign' })
    expect(over['acceptance']).toMatchObject({ state: 'skipped', summary: 'version 4 came after it' })
  })
})

describe('monitoring', () => {
  const live = deployment('production', 'live', { live_at: 11_000 })

  test('watches what is live, until it is replaced', () => {
    expect(strip({ deployments: [live] })['monitoring']).toMatchObject({ state: 'running' })
    const replaced = deployment('production', 'replaced', { live_at: 11_000 })
    expect(strip({ deployments: [replaced] })['monitoring']).toMatchObject({ state: 'succeeded' })
  })

  test('shows the alert that fires before one that is over', () => {
    const alerts = [
      { summary: 'latency was high', state: 'resolved' },
      { summary: 'p3 has drifted', state: 'firing' },
    ]

    expect(strip({ deployments: [live], alerts })['monitoring']).toMatchObject({
      state: 'failed',
      summary: 'p3 has drifted',
    })
    expect(strip({ deployments: [live], alerts: alerts.slice(0, 1) })['monitoring']?.state).toBe('succeeded')
  })
})
