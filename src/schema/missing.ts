import type {z} from 'zod'

/** zod speaks of something undefined where a person left a field out. */
export const missing: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? `is missing (${issue.expected})` : undefined
