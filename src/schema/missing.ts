import type {z} from 'zod'

/** zod reports an omitted field as "undefined"; people expect "missing". */
export const missing: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? `is missing (${issue.expected})` : undefined
