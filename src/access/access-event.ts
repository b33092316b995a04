import type { NewEvent } from '../core/events.ts'

/** `by` is the person who made the change; `project` is null for what holds everywhere. */
export function accessChanged(
  subject: string,
  by: string,
  data: { readonly change: string } & Readonly<Record<string, unknown>>,
  project: string | null = null,
): NewEvent {
  return { kind: 'access.changed', project, subject, data: { ...data, by } }
}
