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
        "Net sales + shipping + taxes + duties + additional fees. May be negative: on a day on which more is given back "
        "than sold. It follows what was sold and taken back, not the money: an unpaid order counts, and so does one paid "
        "with a gift card.", _SALES,
        "Two things are open. Days: Shopify's reports are drawn in the shop's time zone, though no page of Shopify's says so "
        "for all of them; here every figure is, and when the zone is changed the whole past is drawn in the new one, so that "
        "one report never mixes two calendars (hours are told with their offset by sales-over-time). Currency: all "
        "amounts are in the shop's, as Shopify fixed them when the order was made. A shop that changes its currency keeps "
        "the amounts of before as they were told: no webhook tells a rate, and a converted past would match nobody's "
        "report. Each order keeps its own currency, and what the buyer saw, beside it. Live View adds up less: "
        "live_view_total_sales.",
    ),
    Measure(
        "gross_sales", "Gross sales", "money", "sum",
        "Unit price × quantity of every line, before discounts, taxes, shipping and reversals, on the order's day (when it "
        "was processed, in the shop's time zone). Units that an edit added count on the day of the edit, what an exchange "
        "brought on the day of the exchange. Gift cards sold and tips are left out, and so are test and deleted orders.",
        _SALES,
        "Whether prices that include tax count with it is not said. Here the tax is taken out, as on a shop whose prices "
        "are without tax, so that gross − discounts − reversals is net of tax everywhere. Of a line without discount it is "
        "the tax Shopify told, so that no rounding looks like a discount; of a discounted line it is worked out from the "
        "line's rates and rounded half up to the currency. What was taken out is tax_in_prices: the sum of both is what "
        "the price tags said.",
    ),
    Measure(
        "discounts", "Discounts", "money", "sum",
        "What was taken off lines, and each line's share of what was taken off the order, before tax; a positive amount "
        "that is subtracted. Discounts on shipping lower shipping instead.", _SALES,
        "Shopify shows discounts and reversals as negative amounts to be added; here they are positive and subtracted. The "
        "figures are the same.",
    ),
    Measure(
        "sales_reversals", "Sales reversals", "money", "sum",
        "What refunds, returns, removals by an edit, exchanges and cancellations take back of net sales, on the day on "
        "which it happens and never on the order's; a positive amount that is subtracted. A cancelled order is reversed "
        "in full on the day it is cancelled, less what was refunded before.", _SALES,
        "Shopify publishes no formula. Here only goods are reversed: a refund counts with the lines it names, at what they "
        "were sold for. Money beyond that (a goodwill, a difference) moves no sale and is refund_adjustments: reversals + "
        "refund adjustments is the wider reading. A refund counts when it is made, also while the money is on its way. A "
        "refund made after the cancellation of its order takes back nothing a second time. An exchange is a reversal of "
        "what comes back and a sale of what goes out, both on the day of the exchange; nothing says so word for word, but "
        "both are what the stock and the customer see. Units that are gone though neither refund nor edit tells of them "
        "are reversed on the order's day.",
    ),
    Measure("net_sales", "Net sales", "money", "derived", "Gross sales − discounts − sales reversals.", _SALES),
    Measure(
        "shipping", "Shipping", "money", "sum",
        "Shipping charged after discounts on it and without tax, on the order's day; less what is refunded or taken off by "
        "an edit, on that day.", _SALES,
    ),
    Measure(
        "taxes", "Taxes", "money", "sum",
        "Taxes on lines, shipping and duties, whether on top of prices or in them; less those on what is given back, on that "
        "day.",
        _SALES,
    ),
    Measure(
        "duties", "Duties", "money", "sum",
        "Import duties charged, on the order's day; less those given back, on that day.", _SALES,
        "Where an order has lost duties that none of its refunds names, nothing says when: they go with its latest refund, "
        "else its latest edit.",
    ),
    Measure(
        "additional_fees", "Additional fees", "money", "sum",
        "Additional fees charged, on the order's day; less those given back, on that day.", _SALES,
        "Fees are given back by the refund that says so. Where an order has lost fees that none of its refunds names, as "
        "in older versions of bodies, nothing says when: they go with its latest refund, else its latest edit.",
    ),
    Measure(
        "orders", "Orders", "count", "sum",
        "Orders placed, whether paid, authorised, paid in part or not at all, counted once on their day and never taken "
        "back: cancelled and fully refunded ones stay counted. Drafts count once they have become orders. Edits, refunds "
        "and exchanges are no orders. Test and deleted orders are left out.", _SALES,
    ),
    Measure(
        "average_order_value", "Average order value", "money", "derived",
        "(Gross sales − discounts) ÷ orders, both as they were when the orders were placed: edits, refunds and "
        "cancellations do not change it. Times orders it is therefore not total sales.", _FIELDS,
        "Shopify's reports define it so; several other tools divide total sales. Those are here under names of their own: "
        "total_sales_per_order and net_sales_per_order.",
    ),
    Measure(
        "total_sales_per_order", "Total sales per order", "money", "derived",
        "Total sales ÷ orders, both of the range: what some tools call average order value.", _OWN,
    ),
    Measure(
        "net_sales_per_order", "Net sales per order", "money", "derived",
        "Net sales ÷ orders, both of the range.", _OWN,
    ),
    Measure(
        "live_view_total_sales", "Total sales as in Live View", "money", "derived",
        "Gross sales − discounts − sales reversals + shipping + taxes: total sales without duties and additional fees, "
        "as Shopify's Live View adds it up.", _LIVE_VIEW,
    ),
    Measure(
        "units_sold", "Units sold", "count", "sum",
        "Units of the lines that are sales, on the order's day; those an edit or an exchange brought on its day. Gift "
        "cards and tips are left out.", _SALES,
    ),
    Measure(
        "units_reversed", "Units reversed", "count", "sum",
        "Units refunded, returned, removed by an edit or cancelled, on that day; a positive number.", _SALES,
        "Shopify counts goods that came back to the shelf apart; here every unit counts whose sale is reversed.",
    ),
    Measure(
        "tax_in_prices", "Tax in prices", "money", "sum",
        "The tax that was in prices and is not in gross sales: gross sales + tax in prices is what the price tags said. "
        "Nothing in shops whose prices are without tax.", _OWN,
    ),
    Measure(
        "refund_adjustments", "Refund adjustments", "money", "sum",
        "Money given back that belongs to no line and to no shipping: a goodwill, or the difference between what the "
        "returned goods had cost and what was paid out. Positive where more was given back, negative where something was "
        "kept. Not part of total sales.", _FINANCES,
        "Whether a refunded amount without lines is a reversal is told in two ways by Shopify's own pages; see "
        "sales_reversals. Fees kept for a return show here as negative.",
    ),
    Measure(
        "gift_cards_sold", "Gift cards sold", "money", "sum",
        "Gift cards sold, at their price, less those taken back: money the shop owes, and no sale. Paying with one is "
        "like paying with money.", _FINANCES,
        "Shopify reports cards sold and says little of cards refunded: here a card that is refunded, removed or cancelled "
        "is taken off on that day, so that the sum is what the shop came to owe.",
    ),
    Measure(
        "tips", "Tips", "money", "sum", "Tips received, less those given back; no part of total sales.", _FINANCES,
        "A tip is a line without a product, titled Tip. Where no line of an order with a tip is titled so (shops in "
        "other languages), it is the line that comes to the tip.",
    ),
    Measure(
        "cash_rounding", "Cash rounding", "money", "sum",
        "What cash was rounded by, where a country has no small coins: positive where the shop came out with more. Not "
        "part of total sales.", _FINANCES,
        "Shopify tells one sum for all cash refunds of an order: it goes with the latest refund.",
    ),
    Measure(
        "customers", "Customers", "count", "distinct",
        "Different customers who ordered in the range. Guests (orders without a customer) belong to none, and customers "
        "who were merged are one.", _CUSTOMERS,
        "Some tools count guests as customers. How many orders were guests' is orders − customer_orders.",
    ),
    Measure(
        "new_customers", "New customers", "count", "distinct",
        "Customers whose first order ever lies in the range.", _CUSTOMERS,
    ),
    Measure(
        "returning_customers", "Returning customers", "count", "distinct",
        "Customers who ordered in the range and have two or more orders in their whole history up to its end. A customer "
        "whose first and second orders both lie in the range is new and returning.", _CUSTOMERS,
        "Orders are numbered by the time they were processed. Orders from before the shop was connected count if they "
        "have been imported: Shopify gives apps the last sixty days unless they may read all orders.",
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
        "abandonments", "Abandonments", "count", "sum",
        "How often the store's window ran out on a checkout, each time on its own day: a shopper who came back and left "
        "again counts twice here, and once in abandoned checkouts.", _OWN,
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
        "Gross sales without what edits and exchanges added later.", _FIELDS, public=False,
    ),
    Measure(
        "placed_discounts", "Discounts when placed", "money", "sum",
        "Discounts without what edits and exchanges added later.", _FIELDS, public=False,
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
