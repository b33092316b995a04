import { z } from 'zod'
import { Failure } from '../api/common.ts'
import type { Operation } from '../api/operation.ts'
import { API_ROOT, OPERATIONS } from '../api/operations.ts'

/** OpenAPI 3.1 of every operation, from the same schemas that check requests. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of Object.values(OPERATIONS) as Operation[]) {
    const path = API_ROOT + operation.path
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tidegate',
      version: '1',
      description: 'CI/CD for machine learning. Every operation states the role it needs.',
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Failure: schema(Failure) },
    },
    paths,
  }
}

function describe(operation: Operation): object {
  return {
    operationId: operation.name,
    summary: operation.summary,
    description: `Role: ${operation.role}`,
    ...(operation.role === 'nobody' ? {} : { security: [{ token: [] }] }),
    parameters: [...parameters(operation.params, 'path'), ...parameters(operation.query, 'query')],
    ...(operation.content === true
      ? { requestBody: { required: true, content: { 'application/octet-stream': {} } } }
      : {}),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: schema(operation.body, 'input') } } },
        }),
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: schema(operation.answer) } } },
      default: {
        description: 'Refused or failed',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
      },
    },
  }
}

function parameters(of: z.ZodType | undefined, where: 'path' | 'query'): object[] {
  if (of === undefined) return []
  const { properties = {}, required = [] } = schema(of, 'input') as {
    properties?: Record<string, object>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }))
}

function schema(of: z.ZodType, io: 'input' | 'output' = 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(of, { io, unrepresentable: 'any' }) as { $schema?: string }
  return rest
}
