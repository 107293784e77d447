/**
 * Amounts as the API sends them: decimal strings in a currency. They are shown without ever passing
 * through a float, so a figure on the page is the figure in the ledger, to the last digit.
 */

export type Decimal = string

/** `Intl.NumberFormat.format` takes decimal strings exactly (ES2023); TypeScript asks for this shape. */
type ExactNumber = Intl.StringNumericLiteral

const DECIMAL = /^-?\d+(\.\d+)?$/

const formatters = new Map<string, Intl.NumberFormat>()

function formatter(key: string, make: () => Intl.NumberFormat): Intl.NumberFormat {
  const known = formatters.get(key)
  if (known) return known
  const made = make()
  formatters.set(key, made)
  return made
}

/** The page's language: that of the browser, since the shop's currency says how many digits there are. */
export function pageLocale(): string {
  return typeof navigator === 'undefined' ? 'en-US' : navigator.language || 'en-US'
}

/** How many decimals a currency has: 2 for USD, 0 for JPY, 3 for KWD; 2 where the code is unknown. */
export function currencyDigits(currency: string): number {
  return currencyFormatter(currency, 'en-US').resolvedOptions().maximumFractionDigits ?? 2
}

function currencyFormatter(currency: string, locale: string): Intl.NumberFormat {
  return formatter(`exact ${locale} ${currency}`, () => {
    try {
      return new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
    } catch {
      return new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
    }
  })
}

/** `"1234.5"`, `"USD"` → `"$1,234.50"`. What is not a decimal string is shown as it came. */
export function formatMoney(amount: Decimal, currency: string, locale: string = pageLocale()): string {
  if (!DECIMAL.test(amount)) return amount
  return withMinus(currencyFormatter(currency, locale).format(withoutNegativeZero(amount) as ExactNumber))
}

/** A minus as wide as a digit, in place of the hyphen that most locales have. */
function withMinus(text: string): string {
  return text.replace('-', '\u2212')
}

/** The same for axes and tight places: `"$1.2K"`. Approximate by design. */
export function formatMoneyShort(amount: number, currency: string, locale: string = pageLocale()): string {
  const compact = Math.abs(amount) >= 1000
  return formatter(`short ${locale} ${currency} ${compact}`, () => {
    const digits = compact
      ? ({ notation: 'compact', maximumFractionDigits: 1 } as const)
      : ({ maximumFractionDigits: 0 } as const)
    try {
      return new Intl.NumberFormat(locale, {
        style: 'currency',
        currency,
        currencyDisplay: 'narrowSymbol',
        ...digits,
      })
    } catch {
      return new Intl.NumberFormat(locale, digits)
    }
  }).format(amount)
}

/** Flips the sign: `"5.00"` → `"-5.00"`, `"-5.00"` → `"5.00"`, zero stays zero. */
export function negate(amount: Decimal): Decimal {
  if (isZero(amount)) return withoutNegativeZero(amount)
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
}

export function isZero(amount: Decimal): boolean {
  return /^-?0*(\.0*)?$/.test(amount)
}

function withoutNegativeZero(amount: Decimal): Decimal {
  return isZero(amount) && amount.startsWith('-') ? amount.slice(1) : amount
}

/** A float for drawing and for ratios only; never for a figure that is read. */
export function approximately(amount: Decimal | number | null | undefined): number {
  return amount === null || amount === undefined ? 0 : Number(amount)
}

export function formatCount(count: number, locale: string = pageLocale()): string {
  return formatter(`count ${locale}`, () => new Intl.NumberFormat(locale)).format(count)
}

/** `0.1234` → `"12.3%"`; a rate without a denominator is null, and shows as a dash. */
export function formatRate(rate: number | null, locale: string = pageLocale()): string {
  if (rate === null) return '–'
  return formatter(
    `rate ${locale}`,
    () =>
      new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }),
  ).format(rate)
}
