import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { admitSteps, NO_MEMORY, RESERVE_AFTER_MS, type Candidate } from './admit-steps.ts'

const CAPACITY = { cpus: 4, gpus: 1, memoryBytes: 8 * 2 ** 30 }

function candidate(id: string, changes: Partial<Candidate> = {}): Candidate {
  return { id, project: id.split('#')[0] ?? '', cpus: 1, gpus: 0, memoryBytes: 0, ...changes }
}

function admitted(...asked: Parameters<typeof admitSteps>): string[] {
  return [...admitSteps(...asked).admitted]
}

test('within a project the order is that of the candidates', () => {
  const waiting = [candidate('p#1/a'), candidate('p#1/b'), candidate('p#2/a')]
  expect(admitted(waiting, [], { ...CAPACITY, cpus: 2 })).toEqual(['p#1/a', 'p#1/b'])
})

test('projects take turns, however many steps one of them has', () => {
  const many = Array.from({ length: 8 }, (_, index) => candidate(`busy#${index + 1}/a`))
  expect(admitted([...many, candidate('calm#99/a')], [], CAPACITY)).toContain('calm#99/a')
})

test('on one processor projects take turns from one decision to the next', () => {
  const waiting = ['busy', 'calm'].flatMap((name) => [1, 2, 3].map((number) => candidate(`${name}#${number}/a`)))
  const order: string[] = []
  for (let memory = NO_MEMORY; order.length < 6;) {
    const left = waiting.filter(({ id }) => !order.includes(id))
    const decision = admitSteps(left, [], { ...CAPACITY, cpus: 1 }, memory)
    order.push(...decision.admitted)
    memory = decision.memory
  }
  expect(order.map((id) => id.split('#')[0])).toEqual(['busy', 'calm', 'busy', 'calm', 'busy', 'calm'])
})

test('twice the weight gets twice as much, and nobody gets nothing', () => {
  const many = (name: string, weight: number) =>
    Array.from({ length: 40 }, (_, at) => candidate(`${name}#${at}/a`, { weight }))
  const waiting = [...many('low', 1), ...many('high', 4), ...many('normal', 2)]
  const order: string[] = []
  for (let memory = NO_MEMORY; order.length < 28;) {
    const left = waiting.filter(({ id }) => !order.includes(id))
    const decision = admitSteps(left, [], { ...CAPACITY, cpus: 1 }, memory)
    order.push(...decision.admitted)
    memory = decision.memory
  }
  const count = (name: string) => order.filter((id) => id.startsWith(name)).length
  expect([count('high'), count('normal'), count('low')]).toEqual([16, 8, 4])
})

test('a step that does not fit says what it waits for and who has it', () => {
  const why = (...asked: Parameters<typeof admitSteps>) => admitSteps(...asked).why.get('p#1/b')
  const two = candidate('p#1/b', { cpus: 2 })
  expect(why([two], [candidate('p#1/a', { cpus: 3 })], CAPACITY)).toBe('waits for 2 cpus: 3 of 4 in use by p#1/a')
  const gpu = candidate('p#1/b', { gpus: 1 })
  expect(why([gpu], [candidate('p#1/a', { gpus: 1 }), candidate('p#1/c')], CAPACITY)).toBe(
    'waits for 1 gpu: 1 of 1 in use by p#1/a',
  )
  const large = candidate('p#1/b', { memoryBytes: 6 * 2 ** 30 })
  expect(why([large], [candidate('p#1/a', { memoryBytes: 3.5 * 2 ** 30 })], CAPACITY)).toBe(
    'waits for 6 GiB of memory: 3.5 of 8 in use by p#1/a',
  )
})

test('what fits passes a large step for a while; then room is kept for it until it starts', () => {
  const large = candidate('p#1/b', { cpus: 3 })
  const small = candidate('q#2/a')
  const busy = [candidate('p#1/a', { cpus: 2 })]
  const before = admitSteps([large, small], busy, CAPACITY, NO_MEMORY, 1_000)
  expect([...before.admitted]).toEqual(['q#2/a'])

  const later = admitSteps([large, candidate('q#3/a')], busy, CAPACITY, before.memory, 1_000 + RESERVE_AFTER_MS)
  expect([...later.admitted]).toEqual([])
  expect(later.why.get('q#3/a')).toBe('waits: room is kept free for p#1/b, whose turn it has been for long')

  const free = admitSteps([large, candidate('q#3/a')], [], CAPACITY, later.memory, 1_001 + RESERVE_AFTER_MS)
  expect([...free.admitted]).toEqual(['p#1/b', 'q#3/a'])
})

test('room that is kept for a step without need of a gpu does not hold up who needs only that much', () => {
  const memory = { served: new Map(), blocked: new Map([['p#1/b', 0]]) }
  const holder = candidate('p#1/b', { cpus: 2, gpus: 1 })
  const decision = admitSteps(
    [holder, candidate('q#1/a'), candidate('q#2/a', { cpus: 2 })],
    [candidate('r#1/a', { gpus: 1 })],
    CAPACITY,
    memory,
    RESERVE_AFTER_MS,
  )
  expect([...decision.admitted]).toEqual(['q#1/a'])
})

const GIB = 2 ** 30

test.each([
  ['cpus', { cpus: 64 }, '64 cpus'],
  ['memory', { memoryBytes: 32 * GIB }, '32 GiB of memory'],
])('a step that asks for more %s than there is runs alone', (_, amounts, words) => {
  const large = candidate('p#1/a', amounts)
  const small = candidate('p#1/b')

  expect(admitted([large, small], [], CAPACITY)).toEqual(['p#1/a'])
  expect(admitted([small, large], [], CAPACITY)).toEqual(['p#1/b'])
  expect(admitted([small, candidate('q#1/a', { memoryBytes: GIB })], [large], CAPACITY)).toEqual([])
  expect(admitSteps([large], [small], CAPACITY).why.get('p#1/a')).toBe(
    `runs alone, since it asks for ${words}: waits for p#1/b`,
  )
})

test('how long a step has waited does not depend on how the clock of the machine is set', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const large = candidate('p#1/b', { cpus: 3 })
  const busy = [candidate('p#1/a', { cpus: 2 })]
  const before = admitSteps([large, candidate('q#2/a')], busy, CAPACITY)

  vi.advanceTimersByTime(RESERVE_AFTER_MS)
  vi.setSystemTime(Date.now() - 3_600_000)

  expect(admitted([large, candidate('q#3/a')], busy, CAPACITY, before.memory)).toEqual([])
})

const STEP = record({
  project: integer({ min: 0, max: 3 }),
  cpus: constantFrom(0.5, 1, 2, 3, 4, 6),
  gpus: constantFrom(0, 0, 1),
  memoryBytes: constantFrom(0, 2 ** 30, 5 * 2 ** 30),
})

test('never more is admitted than there is, and who waits is told why', () => {
  assert(
    property(array(STEP, { maxLength: 30 }), (steps) => {
      const waiting = steps.map(({ project, ...needs }, at) => candidate(`p${project}#1/s${at}`, needs))
      const decision = admitSteps(waiting, [], CAPACITY)
      const chosen = waiting.filter((each) => decision.admitted.has(each.id))
      const total = (of: 'cpus' | 'gpus' | 'memoryBytes') => chosen.reduce((sum, each) => sum + each[of], 0)
      expect(chosen.reduce((sum, each) => sum + Math.min(4, each.cpus), 0)).toBeLessThanOrEqual(4)
      expect(total('gpus')).toBeLessThanOrEqual(1)
      expect(total('memoryBytes')).toBeLessThanOrEqual(CAPACITY.memoryBytes)
      expect(new Set([...decision.admitted, ...decision.why.keys()]).size).toBe(waiting.length)
      expect(waiting.length === 0 || decision.admitted.size > 0).toBe(true)
    }),
  )
})

test('whatever comes after it, every step starts within a bounded time', () => {
  assert(
    property(array(STEP, { minLength: 1, maxLength: 12 }), integer({ min: 1, max: 4 }), (steps, flood) => {
      const named = steps.map(({ project, ...needs }, at) => candidate(`p${project}#1/s${at}`, needs))
      const waiting = new Map(named.map((each) => [each.id, each]))
      let running: { step: Candidate; endsAt: number }[] = []
      let memory = NO_MEMORY
      // Each second small steps of another project come, as many as there are processors, and run two seconds.
      for (let second = 0; second < 1_200 && named.some(({ id }) => waiting.has(id)); second++) {
        for (let at = 0; at < flood; at++) waiting.set(`flood#${second}/${at}`, candidate(`flood#${second}/${at}`))
        running = running.filter(({ endsAt }) => endsAt > second)
        const occupants = running.map(({ step }) => step)
        const decision = admitSteps([...waiting.values()], occupants, CAPACITY, memory, second * 1_000)
        memory = decision.memory
        for (const id of decision.admitted) {
          running.push({ step: waiting.get(id) as Candidate, endsAt: second + 2 })
          waiting.delete(id)
        }
      }
      expect(named.filter(({ id }) => waiting.has(id))).toEqual([])
    }),
    { numRuns: 20 },
  )
})

test('whether somebody is told why the others wait changes nothing else', () => {
  const amounts = record({ cpus: integer({ min: 1, max: 4 }), gpus: integer({ min: 0, max: 1 }) })
  const waiting = array(record({ project: constantFrom('a', 'b', 'c'), amounts }), { maxLength: 40 })
  assert(
    property(waiting, array(amounts, { maxLength: 3 }), (all, busy) => {
      const candidates = all.map((each, at) => candidate(`${each.project}#${at}/x`, each.amounts))
      const occupants = busy.map((each, at) => candidate(`d#${at}/x`, each))
      const blocked = new Map(candidates.slice(0, 1).map(({ id }) => [id, 0]))
      const memory = { ...NO_MEMORY, blocked }

      const told = admitSteps(candidates, occupants, CAPACITY, memory, RESERVE_AFTER_MS)
      const untold = admitSteps(candidates, occupants, CAPACITY, memory, RESERVE_AFTER_MS, false)

      expect([untold.admitted, untold.memory]).toEqual([told.admitted, told.memory])
    }),
  )
})
