/** Tells people something. `send` may be called again with the same `id` after a crash; receivers see the id. */
export interface Notifier {
  send(message: NotifierMessage, signal?: AbortSignal): Promise<void>
}

export interface NotifierMessage {
  readonly id: string
  readonly kind: string
  readonly project: string
  readonly title: string
  readonly text: string
  readonly link?: string
  readonly at: number
}
