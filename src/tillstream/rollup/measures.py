"""The registry of measures: the one place that says what each figure is.

The API's documentation, the dashboard's explanations and ``docs/measures.md`` derive from it.
Additive measures are columns of ``rollup.ledger`` and ``rollup.sums``; derived ones are computed
from them when read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Unit: TypeAlias = Literal["money", "count", "rate"]
Adds: TypeAlias = Literal["sum", "derived", "distinct"]


@dataclass(frozen=True)
class Measure:
    """One figure: its name in the API, its unit, how it adds up over time, and what it means."""

    name: str
    label: str
    unit: Unit
    adds: Adds
    definition: str
    source: str = ""
    choice: str = ""
    """Where Shopify leaves it open: what was open, what was chosen and why, where the other choice shows."""
    public: bool = True
    """Whether ``stats`` reports it; the others only serve to derive."""


_SALES = "https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/default-reports/sales-report"
_FIELDS = "https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/analytics-fields"
_CUSTOMERS = "https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/default-reports/customers-reports"
_FINANCES = "https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/default-reports/finances-report"
_LIVE_VIEW = "https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/live-view"
_ABANDONED = "https://help.shopify.com/en/manual/orders/abandoned-checkouts"
_OWN = "Tillstream; Shopify publishes no formula"

MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        "total_sales", "Total sales", "money", "derived",
        "Net sales + shipping + taxes + duties + additional fees. May be negative.", _SALES,
    ),
    Measure(
        "gross_sales", "Gross sales", "money", "sum",
        "Unit price × quantity of every line on the order's day (processed_at, in the shop's time zone), before "
        "discounts, taxes, shipping and reversals. Gift cards sold and tips are left out. Where prices include tax, "
        "the tax is taken out at the line's rates, rounded half up to the currency. Units added by an order edit count "
        "on the day of the edit. Test and deleted orders are left out.", _SALES,
    ),
    Measure(
        "discounts", "Discounts", "money", "sum",
        "Line discounts and each line's share of order discounts, before tax; a positive amount that is subtracted. "
        "Discounts on shipping are not in here.", _SALES,
    ),
    Measure(
        "sales_reversals", "Sales reversals", "money", "sum",
        "What refunds, returns, removals by edits and cancellations take back of net sales, on the day they are "
        "processed; a positive amount that is subtracted. A cancelled order is reversed in full on the day it is "
        "cancelled. Refunded amounts that belong to no line (refund_discrepancy) move money, not sales, and are left out.",
        _SALES,
    ),
    Measure("net_sales", "Net sales", "money", "derived", "Gross sales − discounts − sales reversals.", _SALES),
    Measure(
        "shipping", "Shipping", "money", "sum",
        "Shipping charges after shipping discounts, without tax, less refunded shipping on the day of the refund.", _SALES,
    ),
    Measure("taxes", "Taxes", "money", "sum", "Taxes on lines and shipping, less taxes refunded on the day of the refund.", _SALES),
    Measure("duties", "Duties", "money", "sum", "Import duties charged, less those refunded.", _SALES),
    Measure("additional_fees", "Additional fees", "money", "sum", "Additional fees charged, less those reversed.", _SALES),
    Measure(
        "orders", "Orders", "count", "sum",
        "Orders placed, whether paid or not, counted once on their day and never taken back: also cancelled ones. Test "
        "and deleted orders are left out.", _SALES,
    ),
    Measure(
        "average_order_value", "Average order value", "money", "derived",
        "(Gross sales − discounts) ÷ orders, both as they were when the orders were placed: edits, refunds and "
        "cancellations do not change it.", _FIELDS,
    ),
    Measure(
        "customers", "Customers", "count", "distinct",
        "Different customers who ordered in the range. Guests (orders without a customer) belong to none.", _CUSTOMERS,
    ),
    Measure("new_customers", "New customers", "count", "distinct", "Customers whose first order ever lies in the range.", _CUSTOMERS),
    Measure(
        "returning_customers", "Returning customers", "count", "distinct",
        "Customers who ordered in the range and have two or more orders in their whole history up to its end. A customer "
        "whose first and second orders both lie in the range is new and returning.", _CUSTOMERS,
    ),
    Measure(
        "returning_customer_rate", "Returning customer rate", "rate", "derived",
        "Returning customers ÷ customers.", _FIELDS,
    ),
    Measure(
        "checkouts", "Checkouts", "count", "sum",
        "Checkouts in which contact details became known, on the day they were started, but for twins: checkouts of one "
        "customer that were active at the same time, or within the store's window of each other, are one shopper on "
        "several devices, and only the one that was completed counts, else the one that was active last. Checkouts are "
        "kept for as long as the store is connected: Shopify clears abandoned ones away after three months, the figures "
        "do not. Deleted checkouts and those of test orders are left out.", _ABANDONED,
        "Shopify counts every checkout. Twins are left out because they would count one shopper as one who left and "
        "another who bought; `twin_of` of a checkout names the one that counts for it. Checkouts are told to be one "
        "customer's by the customer's id alone, so that forgetting a person changes no figure.",
    ),
    Measure(
        "abandoned_checkouts", "Abandoned checkouts", "count", "sum",
        "Checkouts with contact details, twins left out, in which nothing happened for longer than the store's window (10 "
        "minutes unless set), on the day that window ran out for the first time. They stay counted when they are "
        "recovered later.", _ABANDONED,
        "Shopify's API calls a checkout abandoned as soon as contact details are known, its admin ten minutes later. The "
        "window is the admin's and can be set for each store. How often shoppers left is told by abandonments.",
    ),
    Measure(
        "recovered_checkouts", "Recovered checkouts", "count", "sum",
        "Of the checkouts abandoned in the range, those that were completed afterwards, whenever that was. An order "
        "completes one checkout at most: the one it names by token, else the one of its cart that was active last before "
        "it.", _OWN,
        "Shopify's older help calls a checkout recovered only if the shopper came back by the recovery link, which no "
        "webhook tells; here any completion after the abandonment recovers it. Purchases by another checkout are told by "
        "inferred_recoveries.",
    ),
    Measure(
        "recovered_checkout_rate", "Recovered checkout rate", "rate", "derived",
        "Recovered checkouts ÷ abandoned checkouts, both by the day of abandonment.", _OWN,
    ),
    Measure(
        "recovered_sales", "Recovered sales", "money", "sum",
        "Order totals of the recovered checkouts, by the day of abandonment.", _OWN,
    ),
    Measure(
        "abandoned_value", "Abandoned value", "money", "sum",
        "Totals of the checkouts abandoned in the range that have not been recovered. Those of which a recovery is only "
        "inferred stay in.", _OWN,
    ),
    Measure(
        "converted_checkouts", "Converted checkouts", "count", "sum",
        "Checkouts completed without ever being abandoned, on the day they were started.", _OWN, public=False,
    ),
    Measure(
        "customer_orders", "Orders of customers", "count", "sum",
        "Orders placed by a known customer; those of guests left out.", _CUSTOMERS, public=False,
    ),
    Measure(
        "placed_gross", "Gross sales when placed", "money", "sum",
        "Gross sales without what later edits added.", _FIELDS, public=False,
    ),
    Measure(
        "placed_discounts", "Discounts when placed", "money", "sum",
        "Discounts without what later edits added.", _FIELDS, public=False,
    ),
    Measure(
        "gift_cards_sold", "Gift cards sold", "money", "sum",
        "Gift cards sold, at their price: a liability, not a sale.", _FINANCES,
    ),
    Measure("tips", "Tips", "money", "sum", "Tips received: not part of total sales.", _FINANCES),
    Measure(
        "units_sold", "Units sold", "count", "sum",
        "Units of the lines that are sales, on the day of the order; units that an edit added on the day of the edit. "
        "Gift cards and tips are left out.", _SALES,
    ),
    Measure(
        "units_reversed", "Units reversed", "count", "sum",
        "Units refunded, returned, removed by an edit or cancelled, on that day; a positive number.", _SALES,
    ),
    Measure(
        "refund_adjustments", "Refund adjustments", "money", "sum",
        "Money given back that belongs to no line and to no shipping: a custom amount, or the difference between what "
        "the returned lines were worth and what was paid out. Positive where more was given back. Not part of total sales.",
        _FINANCES,
    ),
    Measure(
        "tax_in_prices", "Tax in prices", "money", "sum",
        "In shops whose prices include tax: the tax taken out of gross sales. Gross sales + tax in prices is what the "
        "price tags say.", _OWN,
    ),
    Measure(
        "cash_rounding", "Cash rounding", "money", "sum",
        "What cash payments and cash refunds were rounded by, where a country has no small coins. Not part of total sales.",
        _FINANCES,
    ),
    Measure(
        "total_sales_per_order", "Total sales per order", "money", "derived",
        "Total sales ÷ orders: what some reports call average order value.", _OWN,
    ),
    Measure(
        "net_sales_per_order", "Net sales per order", "money", "derived",
        "Net sales ÷ orders.", _OWN,
    ),
    Measure(
        "live_view_total_sales", "Total sales as in Live View", "money", "derived",
        "Gross sales − discounts − sales reversals + shipping + taxes: total sales without duties and additional fees, "
        "as Shopify's Live View adds it up.", _LIVE_VIEW,
    ),
    Measure(
        "abandonments", "Abandonments", "count", "sum",
        "How often the store's window ran out on a checkout, each time on its own day: a shopper who came back and left "
        "again counts twice here, and once in abandoned checkouts.", _OWN,
    ),
    Measure(
        "inferred_recoveries", "Inferred recoveries", "count", "sum",
        "Of the checkouts abandoned in the range and not completed themselves, those whose customer placed an order by "
        "another checkout, or by none, within 7 days (TILLSTREAM_INFERENCE_WINDOW_DAYS) after an abandonment. An order "
        "infers one checkout at most, the one abandoned last before it. Dated to the first abandonment.", _OWN,
        "That this was the same purchase is a guess: counted apart, and never in the recovered checkout rate. The "
        "customer is known by id only, merged customers being one.",
    ),
    Measure(
        "inferred_recovered_sales", "Inferred recovered sales", "money", "sum",
        "Order totals of the inferred recoveries, by the day of abandonment. Their checkouts stay in abandoned value.",
        _OWN,
    ),
)  # fmt: skip

ADDITIVE: Final[tuple[str, ...]] = (
    "gross_sales", "discounts", "sales_reversals", "shipping", "taxes", "duties", "additional_fees", "orders",
    "placed_gross", "placed_discounts", "gift_cards_sold", "tips", "units_sold", "units_reversed",
    "refund_adjustments", "tax_in_prices", "cash_rounding", "checkouts", "abandoned_checkouts", "abandonments",
    "recovered_checkouts", "converted_checkouts", "recovered_sales", "abandoned_value", "inferred_recoveries",
    "inferred_recovered_sales", "customer_orders",
)  # fmt: skip
"""The columns of ledger and sums, in the order in which they are stored."""
