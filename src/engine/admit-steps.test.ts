import { array, assert, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { admitSteps, type Candidate } from './admit-steps.ts'

const CAPACITY = { cpus: 4, gpus: 1 }

function candidate(id: string, changes: Partial<Candidate> = {}): Candidate {
  const [runId = '', step = ''] = id.split('/')
  const [project = '', number = ''] = runId.split('#')
  return {
    id,
    project,
    runId,
    runCreatedAt: Number(number),
    position: step.charCodeAt(0),
    cpus: 1,
    gpus: 0,
    ...changes,
  }
}

test('the oldest run comes first, then the order of the plan', () => {
  const waiting = [candidate('p#2/a'), candidate('p#1/b'), candidate('p#1/a')]
  expect(admitSteps(waiting, [], { cpus: 2, gpus: 0 }).admitted).toEqual(['p#1/a', 'p#1/b'])
})

test('projects take turns, however many steps one of them has', () => {
  const many = Array.from({ length: 8 }, (_, index) => candidate(`busy#${index + 1}/a`))
  expect(admitSteps([...many, candidate('calm#99/a')], [], CAPACITY).admitted).toContain('calm#99/a')
})

test('a step that does not fit says what it waits for and who has it', () => {
  const { admitted, why } = admitSteps([candidate('p#1/b', { cpus: 2 })], [candidate('p#1/a', { cpus: 3 })], CAPACITY)
  expect(admitted).toEqual([])
  expect(why.get('p#1/b')).toBe('waits for 2 cpus: 3 of 4 in use by p#1/a')
})

test('a large step is not overtaken by younger runs, only by steps of its own', () => {
  const waiting = [candidate('p#1/b', { cpus: 3 }), candidate('p#1/c'), candidate('p#2/a')]
  const { admitted, why } = admitSteps(waiting, [candidate('p#1/a', { cpus: 2 })], CAPACITY)
  expect(admitted).toEqual(['p#1/c'])
  expect(why.get('p#2/a')).toBe('waits its turn behind p#1/b')
})

test('a step that asks for more cpus than there are runs alone', () => {
  expect(admitSteps([candidate('p#1/a', { cpus: 64 })], [], CAPACITY).admitted).toEqual(['p#1/a'])
  expect(admitSteps([candidate('p#1/a', { cpus: 64 })], [candidate('p#1/b')], CAPACITY).admitted).toEqual([])
})

test('never more is admitted than there is, and who waits is told why', () => {
  const step = record({
    project: integer({ min: 0, max: 3 }),
    run: integer({ min: 1, max: 5 }),
    cpus: integer({ min: 1, max: 6 }),
  })
  assert(
    property(array(step, { maxLength: 20 }), (steps) => {
      const waiting = steps.map((each, at) => candidate(`p${each.project}#${each.run}/s${at}`, { cpus: each.cpus }))
      const { admitted, why } = admitSteps(waiting, [], CAPACITY)
      const used = waiting.filter((each) => admitted.includes(each.id)).map((each) => Math.min(4, each.cpus))
      expect(used.reduce((sum, cpus) => sum + cpus, 0)).toBeLessThanOrEqual(4)
      expect(new Set([...admitted, ...why.keys()]).size).toBe(waiting.length)
      expect(waiting.length === 0 || admitted.length > 0).toBe(true)
    }),
  )
})
