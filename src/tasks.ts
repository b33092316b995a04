import type { TaskName } from './core/plan.ts'
import type { Task, TaskOutput } from './core/task.ts'

/**
 * The tasks there are, each with what it needs of other parts: the composition of a task's process, as
 * `app.ts` is the server's. A process runs one task, so each is imported when it is the one.
 * `environment` is what tools such as pip are started with.
 */
export function createTasks(environment: NodeJS.ProcessEnv): Record<TaskName, Task> {
  const env = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  return {
    'build-environment': lazy('build-environment', async () => {
      const { createBuildEnvironmentTask } = await import('./build/build-environment.ts')
      return createBuildEnvironmentTask({ env, stepsRunAsOtherUser: process.getuid?.() === 0 })
    }),
    'build-image': lazy('build-image', async () => {
      const { createBuildImageTask } = await import('./build/build-image.ts')
      return createBuildImageTask({ env, isRoot: process.getuid?.() === 0 })
    }),
    'check-sources': lazy('check-sources', async () =>
      (await import('./build/check-sources.ts')).createCheckSourcesTask(),
    ),
    'freeze-dataset': lazy('freeze-dataset', async () => {
      const { createFreezeDatasetTask } = await import('./build/freeze-dataset.ts')
      const { datasetAccess } = await import('./dataset-access.ts')
      return createFreezeDatasetTask(datasetAccess(env))
    }),
    'check-datasets': lazy('check-datasets', async () =>
      (await import('./build/check-datasets.ts')).createCheckDatasetsTask(),
    ),
    'make-bundle': lazy('make-bundle', async () => {
      const { createMakeBundleTask } = await import('./registry/make-bundle.ts')
      const { inspectModel } = await import('./serving/model-host/inspect-model.ts')
      return createMakeBundleTask({ inspectModel })
    }),
    evaluate: lazy('evaluate', async () => {
      const { createEvaluateTask } = await import('./evaluation/evaluate.ts')
      const { openHost } = await import('./serving/model-host/open-host.ts')
      const endpoint = await openEndpoint(env)
      return createEvaluateTask({
        openHost,
        ...(endpoint === undefined ? {} : { endpoint }),
      })
    }),
    gate: lazy('gate', async () => {
      const { createGateTask } = await import('./evaluation/gate.ts')
      const { openHost } = await import('./serving/model-host/open-host.ts')
      return createGateTask({ openHost })
    }),
    register: lazy('register', async () => (await import('./registry/register.ts')).createRegisterTask()),
  }
}

/** The candidate's, where the attempt was given one. */
async function openEndpoint({ TIDEGATE_ENDPOINT: url, TIDEGATE_ENDPOINT_TOKEN: token }: Record<string, string>) {
  if (url === undefined || token === undefined) return undefined
  const { createEndpointClient } = await import('./serving/endpoint-client.ts')
  return createEndpointClient({ url, token })
}

/** The plan and `prepare` make a task's input, which is narrower than `unknown`; the name ties the two. */
function lazy<Input, Output extends TaskOutput>(name: TaskName, load: () => Promise<Task<Input, Output>>): Task {
  return { name, run: async (input, context) => (await load()).run(input as Input, context) }
}
