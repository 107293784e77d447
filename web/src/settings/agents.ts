/** A browser's own long description of itself, in the words people use: `Firefox on Windows`. */

const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*Safari\//, 'Safari'],
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

function found(agent: string, among: readonly (readonly [RegExp, string])[]): string | null {
  return among.find(([pattern]) => pattern.test(agent))?.[1] ?? null
}

export function agentWords(agent: string | null): string {
  if (!agent) return 'Unknown browser'
  const browser = found(agent, browsers)
  const system = found(agent, systems)
  if (browser && system) return `${browser} on ${system}`
  // A program: `curl/8.5.0` says it in its first word.
  return browser ?? system ?? agent.split(/[\s/]/)[0]?.slice(0, 40) ?? agent
}
