import type { Problem } from './shapes.ts'

/** A call that was refused, with the server's own words (RFC 9457), or one that never got there (status 0). */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.name = 'ProblemError'
    this.problem = problem
  }

  get status(): number {
    return this.problem.status
  }
}

export const unreachable: Problem = {
  type: 'about:blank',
  title: 'No connection',
  status: 0,
  detail: 'Tillstream cannot be reached. Check your connection; the page tries again by itself.',
}

/** The problem of an answer that is not 2xx, whatever its body is. */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: 'about:blank',
    title: response.statusText || `Error ${response.status}`,
    status: response.status,
    detail:
      response.status >= 500
        ? 'Tillstream had a problem answering. It is worth trying again in a moment.'
        : `The request was refused (${response.status}).`,
  }
  try {
    const body: unknown = await response.json()
    if (typeof body !== 'object' || body === null) return fallback
    return { ...fallback, ...(body as Partial<Problem>), status: response.status }
  } catch {
    return fallback
  }
}

/** The sentence for one field of a form, if the refusal names that field. */
export function faultOf(error: unknown, field: string): string | null {
  if (!(error instanceof ProblemError)) return null
  const fault = error.problem.errors?.find((each) => each.field?.split('.').includes(field))
  return fault?.detail ?? null
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong.'
}
