/** Answers of calls that the API's own description does not list yet. Each goes as soon as it does. */

export interface PrivacyRequest {
  id: string
  store: string
  kind: string
  customer: string | null
  received_at: string
  due_at: string
  done_at: string | null
  receipt: unknown
}
