/** What is asked of a new password; the server decides, these are its words. */
export const PASSWORD_HINT = 'At least 10 characters. A few unrelated words are good and easy to keep.'
export const SHORTEST_PASSWORD = 10
