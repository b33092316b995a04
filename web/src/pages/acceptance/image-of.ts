import { z } from 'zod'

/** Rows of shades, 0 (nothing, or the lowest value where one is negative) to 1 (the highest). */
export interface Image {
  readonly width: number
  readonly height: number
  readonly shades: readonly number[]
}

const Show = z.object({
  image: z.object({ input: z.string(), shape: z.tuple([z.number().int().positive(), z.number().int().positive()]) }),
})

const Inputs = z.array(z.object({ name: z.string(), data: z.array(z.unknown()) }))

/** The image a case asks to be shown as, from its tensors; undefined where it asks for none, or sizes do not agree. */
export function imageOf(inputs: unknown, show: unknown): Image | undefined {
  const wanted = Show.safeParse(show).data?.image
  const tensor = Inputs.safeParse(inputs).data?.find(({ name }) => name === wanted?.input)
  if (wanted === undefined || tensor === undefined) return undefined
  const [height, width] = wanted.shape
  // Tensors come flat or nested by rows: both have the same order.
  const values = (tensor.data as unknown[][][]).flat(2) as unknown as number[]
  if (values.length !== width * height) return undefined
  const low = Math.min(0, ...values)
  const span = Math.max(...values) - low || 1
  return { width, height, shades: values.map((value) => (value - low) / span) }
}
