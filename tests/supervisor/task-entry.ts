import { AppError } from '../../src/core/errors.ts'
import { runTaskProcess } from '../../src/supervisor/run-task-process.ts'
import type { Task } from '../../src/core/task.ts'
import type { TaskName } from '../../src/core/plan.ts'

/** A program with a `task` command, as `main.ts` has one, and tasks that end in every way a task can. */
const echo: Task = {
  name: 'gate',
  async run(input, context) {
    context.log(`working in ${context.workspace}`)
    const report = await context.artifacts.putBytes(JSON.stringify(input))
    return { outs: { 'report.json': report }, metrics: { rows: 3 }, result: input }
  },
}

const refuses: Task = {
  name: 'register',
  run: (input) => {
    const { message = 'This bundle was rolled back.' } = input as { message?: string }
    return Promise.reject(new AppError('DIGEST_REFUSED', message))
  },
}

const breaks: Task = {
  name: 'evaluate',
  run: () => Promise.reject(new TypeError('undefined is not a model')),
}

const waits: Task = {
  name: 'make-bundle',
  async run(_, context) {
    context.log('waiting')
    const forever = setInterval(() => undefined, 1_000)
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
    clearInterval(forever)
    context.log('told to stop')
    return {}
  },
}

const decides: Task = {
  name: 'check-datasets',
  run: async () => ({ failure: { reason: 'refused', message: 'No dataset has changed.' } }),
}

/** As a tool does that is given an address with a password and says which one does not answer. */
const quotes: Task = {
  name: 'build-environment',
  async run(input) {
    const said = `cannot reach ${process.env['PIP_INDEX_URL']}`
    return { failure: { reason: 'refused', message: said }, result: { input, notes: [said] } }
  },
}

const tasks = {
  gate: echo,
  register: refuses,
  evaluate: breaks,
  'make-bundle': waits,
  'check-datasets': decides,
  'build-environment': quotes,
}
await runTaskProcess(tasks as Partial<Record<TaskName, Task>> as Record<TaskName, Task>)
