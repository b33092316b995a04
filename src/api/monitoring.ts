import { z } from 'zod'
import { EnvironmentName, InProject, Millis, ProjectName } from './common.ts'
import { operation } from './operation.ts'

export const Alert = z.object({
  id: z.string(),
  project: z.string(),
  environment: z.string(),
  monitor: z.string(),
  kind: z.string(),
  version: z.number().int(),
  state: z.enum(['firing', 'resolved']),
  summary: z.string(),
  evidence: z.unknown(),
  firedAt: Millis,
  resolvedAt: Millis.nullable(),
  actions: z.array(
    z.object({ kind: z.string(), outcome: z.string(), detail: z.string(), run: z.string().nullable(), at: Millis }),
  ),
})
export type Alert = z.infer<typeof Alert>

export const MonitorWindow = z.object({
  environment: z.string(),
  monitor: z.string(),
  version: z.number().int(),
  rows: z.number().int(),
  state: z.enum(['ok', 'trouble', 'too-few-rows']),
  summary: z.string(),
  evidence: z.unknown(),
  from: Millis,
  to: Millis,
  at: Millis,
})
export type MonitorWindow = z.infer<typeof MonitorWindow>

export const listAlerts = operation({
  name: 'listAlerts',
  summary: 'Alerts of a project and what was done about them, newest first',
  method: 'GET',
  path: '/projects/{project}/alerts',
  role: 'viewer',
  params: InProject,
  answer: z.object({ alerts: z.array(Alert) }),
})

export const listMonitorWindows = operation({
  name: 'listMonitorWindows',
  summary: 'What monitors saw, newest first',
  method: 'GET',
  path: '/projects/{project}/monitors',
  role: 'viewer',
  params: InProject,
  answer: z.object({ windows: z.array(MonitorWindow) }),
})

export const Label = z.object({
  id: z.string().min(1).max(200).describe('the prediction’s id, as the gateway answered it in tidegate-prediction-id'),
  row: z.number().int().nonnegative().default(0),
  label: z.union([z.string().max(1_000), z.number(), z.boolean()]),
})

export const sendLabels = operation({
  name: 'sendLabels',
  summary: 'Tell what was true: labels for logged predictions; a later one for the same prediction corrects it',
  method: 'POST',
  path: '/labels',
  role: 'person',
  body: z.object({ project: ProjectName, environment: EnvironmentName, labels: z.array(Label).min(1).max(10_000) }),
  answer: z.object({ accepted: z.number().int(), duplicate: z.number().int(), corrected: z.number().int() }),
})
