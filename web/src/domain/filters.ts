/** Which orders the figures are about: by channel, country, product or discount code. All of it in the address. */

export const filterNames = ['channel', 'country', 'product', 'discount_code'] as const

export type FilterName = (typeof filterNames)[number]

/** An empty value asks for what has none: orders without a code, or whose country is not known. */
export type Filters = { readonly [K in FilterName]?: string }

/** The filters an address names; `channel=` is one as well. */
export function filtersOf(search: URLSearchParams): Filters {
  const found: { [K in FilterName]?: string } = {}
  for (const name of filterNames) {
    const value = search.get(name)
    if (value !== null) found[name] = value
  }
  return found
}

export function isFiltered(filters: Filters): boolean {
  return filterNames.some((name) => filters[name] !== undefined)
}
