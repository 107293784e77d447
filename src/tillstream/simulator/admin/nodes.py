"""Facts as objects of the Admin API: plain dictionaries, with a function where a page is asked for.

Webhook bodies are printed elsewhere, from the same facts; neither reads the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from tillstream.simulator.admin.connections import Listing, Page, connect, connect_all
from tillstream.simulator.admin.context import require
from tillstream.simulator.currency import MILLION, Currency, exchanged
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tillstream.simulator.admin.context import Info
    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.facts import (
        Checkout,
        Customer,
        Fulfillment,
        Line,
        Order,
        Product,
        Refund,
        RefundLine,
        Shipping,
        Transaction,
        Variant,
    )
    from tillstream.simulator.plan import TaxRate

Json: TypeAlias = dict[str, Any]
Presentment: TypeAlias = tuple[str, int] | None


def gid(kind: str, identifier: int) -> str:
    """``gid://shopify/Order/1``."""
    return f"gid://shopify/{kind}/{identifier}"


def number_of(text: str) -> int:
    """The number of a gid, or a number by itself; -1 for what is neither."""
    tail = text.rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdecimal() and len(tail) < 20 else -1  # noqa: PLR2004 - int64's digits


def when(at: int | None) -> str | None:
    """An instant as the API prints it, in UTC."""
    return None if at is None else utc(instant(at))


def utc(at: datetime) -> str:
    """An aware UTC time as the API prints it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def paged(listing: Listing[Any]) -> Callable[..., Json]:
    """A connection's field: a page of the listing, or all of it in a bulk operation."""

    def resolve(info: Info, **arguments: Any) -> Json:
        if info.context.bulk:
            return connect_all(listing)
        return connect(listing, Page.of(arguments))

    return resolve


def _parts(items: Sequence[Any], show: Callable[[Any], Json]) -> Callable[..., Json]:
    """A connection over the parts of one thing, in their own order."""
    numbered = list(enumerate(items, 1))
    return paged(Listing(numbered, lambda pair: (pair[0], 0), lambda pair: show(pair[1])))


def _later(make: Callable[[], Json | None]) -> Callable[[Info], Json | None]:
    """A field that is made only where it is asked for: objects refer to one another."""

    def resolve(_: Info) -> Json | None:
        return make()

    return resolve


def _first(items: Iterable[Json]) -> Callable[..., list[Json]]:
    """A list's field, cut after ``first`` if that is given."""
    kept = list(items)

    def resolve(_info: Info, *, first: int | None = None) -> list[Json]:
        return kept if first is None else kept[: max(0, first)]

    return resolve


@dataclass(frozen=True, slots=True)
class Nodes:
    """The objects of one shop."""

    shop: LivingShop

    # -- money ----------------------------------------------------------------------------------

    def _money(self, minor: int) -> Json:
        currency = self.shop.front.currency
        return {"amount": currency.text(minor), "currencyCode": currency.code}

    def _bag(self, minor: int, theirs: Presentment = None) -> Json:
        ours = self._money(minor)
        if theirs is None:
            return {"shopMoney": ours, "presentmentMoney": ours}
        currency = Currency.of(theirs[0])
        amount = currency.text(exchanged(minor, self.shop.front.currency, theirs))
        return {
            "shopMoney": ours,
            "presentmentMoney": {"amount": amount, "currencyCode": currency.code},
        }

    def _taxes(self, taxes: Sequence[tuple[TaxRate, int]], theirs: Presentment) -> list[Json]:
        return [
            {
                "title": rate.title,
                "rate": rate.millionths / MILLION,
                "ratePercentage": rate.millionths * 100 / MILLION,
                "priceSet": self._bag(amount, theirs),
                "channelLiable": False,
            }
            for rate, amount in taxes
        ]

    # -- the shop -------------------------------------------------------------------------------

    def the_shop(self, now: datetime) -> Json:
        """``Shop``."""
        shop, plan = self.shop, self.shop.plan
        local = shop.front.clock.text(int(now.timestamp()))
        abroad = [plan.abroad.currency] if plan.abroad else []
        name = plan.domain.partition(".")[0]
        return {
            "__typename": "Shop",
            "id": gid("Shop", shop.front.id),
            "name": plan.name,
            "email": f"hello@{name}.example.com",
            "contactEmail": f"care@{name}.example.com",
            "shopOwnerName": f"{plan.name} Owner",
            "description": None,
            "myshopifyDomain": plan.domain,
            "url": f"https://{plan.domain}",
            "primaryDomain": {
                "id": gid("Domain", shop.front.id + 1),
                "host": plan.domain,
                "sslEnabled": True,
                "url": f"https://{plan.domain}",
            },
            "currencyCode": plan.currency,
            "enabledPresentmentCurrencies": [plan.currency, *abroad],
            "ianaTimezone": plan.zone,
            "timezoneAbbreviation": plan.zone.rpartition("/")[2],
            "timezoneOffset": local[-6:].replace(":", ""),
            "taxesIncluded": plan.taxes_included,
            "taxShipping": plan.shipping_taxed,
            "plan": {
                "displayName": shop.front.plan_name.title(),
                "publicDisplayName": shop.front.plan_name.title(),
                "partnerDevelopment": False,
                "shopifyPlus": False,
            },
            "createdAt": when(shop.front.start - 400 * 86_400),
            "updatedAt": when(shop.front.updated_at),
        }

    # -- people ---------------------------------------------------------------------------------

    def customer(self, customer: Customer) -> Json:
        """``Customer``."""
        ledger = self.shop.ledger
        orders = [o for o in ledger.orders.values() if o.customer is customer and not o.deleted]
        counted = [order for order in orders if not order.test]
        spent = sum(max(0, order.current.price) for order in counted if not order.cancelled_at)
        last = max(orders, key=lambda order: (order.processed_at, order.id), default=None)
        return {
            "__typename": "Customer",
            "id": gid("Customer", customer.id),
            "legacyResourceId": str(customer.id),
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "displayName": customer.name,
            "email": customer.email,
            "phone": customer.phone,
            "defaultEmailAddress": {"emailAddress": customer.email},
            "defaultPhoneNumber": {"phoneNumber": customer.phone} if customer.phone else None,
            "state": "ENABLED" if customer.registered else "DISABLED",
            "note": customer.note,
            "tags": [],
            "locale": customer.place.locale,
            "taxExempt": False,
            "verifiedEmail": customer.verified,
            "numberOfOrders": str(len(counted)),
            "amountSpent": self._money(spent),
            "defaultAddress": self._address(customer),
            "lastOrder": _later(lambda: None if last is None else self.order(last)),
            "createdAt": when(customer.created_at),
            "updatedAt": when(customer.updated_at),
            "orders": paged(
                Listing(orders, lambda order: (order.processed_at, order.id), self.order)
            ),
        }

    def _address(self, customer: Customer) -> Json:
        place, city = customer.place, customer.city
        return {
            "id": gid("MailingAddress", customer.address_id),
            "address1": customer.street,
            "address2": None,
            "city": city.name,
            "province": city.province,
            "provinceCode": city.province_code,
            "zip": city.zip,
            "country": place.country,
            "countryCodeV2": place.code,
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "name": customer.name,
            "phone": customer.phone,
        }

    # -- wares ----------------------------------------------------------------------------------

    def product(self, product: Product) -> Json:
        """``Product``."""
        return {
            "__typename": "Product",
            "id": gid("Product", product.id),
            "legacyResourceId": str(product.id),
            "title": product.title,
            "handle": product.handle,
            "status": product.status.upper(),
            "vendor": product.vendor,
            "productType": product.product_type,
            "descriptionHtml": f"<p>{product.title} by {product.vendor}.</p>",
            "tags": [product.product_type.lower()],
            "isGiftCard": product.gift_card,
            "totalInventory": sum(variant.inventory_quantity for variant in product.variants),
            "hasOnlyDefaultVariant": len(product.variants) == 1,
            "createdAt": when(product.created_at),
            "updatedAt": when(product.updated_at),
            "publishedAt": when(product.created_at),
            "variantsCount": {"count": len(product.variants), "precision": "EXACT"},
            "variants": paged(
                Listing(
                    product.variants,
                    lambda variant: (variant.position, variant.id),
                    lambda variant: self.variant(product, variant),
                )
            ),
        }

    def variant(self, product: Product, variant: Variant) -> Json:
        """``ProductVariant``."""
        text = self.shop.front.currency.text
        compare = variant.compare_at_price
        return {
            "__typename": "ProductVariant",
            "id": gid("ProductVariant", variant.id),
            "legacyResourceId": str(variant.id),
            "title": variant.title,
            "displayName": f"{product.title} - {variant.title}",
            "sku": variant.sku,
            "barcode": None,
            "price": text(variant.price),
            "compareAtPrice": None if compare is None else text(compare),
            "position": variant.position,
            "inventoryQuantity": variant.inventory_quantity,
            "inventoryItem": {
                "__typename": "InventoryItem",
                "id": gid("InventoryItem", variant.inventory_item_id),
                "legacyResourceId": str(variant.inventory_item_id),
                "sku": variant.sku,
            },
            "taxable": bool(product.taxes),
            "product": _later(lambda: self.product(product)),
            "createdAt": when(product.created_at),
            "updatedAt": when(product.updated_at),
        }

    def _bought(self, product: Product | None) -> Json | None:
        """The product of a line, if it is still there."""
        return None if product is None or product.deleted else self.product(product)

    def _chosen(self, product: Product | None, variant: Variant | None) -> Json | None:
        if product is None or variant is None or product.deleted:
            return None
        return self.variant(product, variant)

    # -- orders ---------------------------------------------------------------------------------

    def order(self, order: Order) -> Json:
        """``Order``."""
        return self._order_identity(order) | self._order_money(order) | self._order_parts(order)

    def _order_identity(self, order: Order) -> Json:
        known = order.customer if order.customer and not order.customer.deleted else None
        address = self._address(order.customer) if order.customer else None

        def customer(info: Info) -> Json | None:
            require(info, "read_customers")
            return None if known is None else self.customer(known)

        return {
            "__typename": "Order",
            "id": gid("Order", order.id),
            "legacyResourceId": str(order.id),
            "name": order.name,
            "number": order.number,
            "email": order.email or None,
            "phone": order.phone,
            "note": None,
            "tags": [tag.strip() for tag in order.tags.split(",") if tag.strip()],
            "test": order.test,
            "confirmed": True,
            "closed": order.closed_at is not None,
            "taxesIncluded": order.taxes_included,
            "taxExempt": False,
            "edited": bool(order.edits),
            "dutiesIncluded": False,
            "sourceName": order.channel,
            "customerLocale": self.shop.plan.place.locale,
            "currencyCode": self.shop.plan.currency,
            "presentmentCurrencyCode": (
                order.presentment[0] if order.presentment else self.shop.plan.currency
            ),
            "createdAt": when(order.created_at),
            "processedAt": when(order.processed_at),
            "updatedAt": when(order.updated_at),
            "cancelledAt": when(order.cancelled_at),
            "closedAt": when(order.closed_at),
            "cancelReason": order.cancel_reason.upper() if order.cancel_reason else None,
            "displayFinancialStatus": order.financial_status.upper(),
            "displayFulfillmentStatus": _FULFILLMENT.get(order.fulfillment_status, "OPEN"),
            "customer": customer,
            "shippingAddress": address if order.shipping else None,
            "billingAddress": None if order.shipping else address,
            "discountCode": order.applications[0].code if order.applications else None,
            "discountCodes": [application.code for application in order.applications],
            "paymentGatewayNames": [order.gateway],
        }

    def _order_money(self, order: Order) -> Json:
        placed, now, theirs = order.totals, order.current, order.presentment

        def bag(minor: int) -> Json:
            return self._bag(minor, theirs)

        received = sum(t.amount for t in order.transactions if t.kind in ("sale", "capture"))
        duties_left = order.duties - sum(refund.duties for refund in order.refunds)
        return {
            "totalPriceSet": bag(placed.price),
            "originalTotalPriceSet": bag(placed.price),
            "subtotalPriceSet": bag(placed.subtotal),
            "totalTaxSet": bag(placed.tax),
            "totalDiscountsSet": bag(placed.discounts),
            "totalShippingPriceSet": bag(placed.shipping),
            "totalTipReceivedSet": bag(order.tip),
            "totalRefundedSet": bag(order.given_back),
            "totalReceivedSet": bag(received),
            "netPaymentSet": bag(order.paid),
            "currentTotalPriceSet": bag(now.price),
            "currentSubtotalPriceSet": bag(now.subtotal),
            "currentTotalTaxSet": bag(now.tax),
            "currentTotalDiscountsSet": bag(now.discounts),
            "originalTotalDutiesSet": bag(order.duties) if order.duties else None,
            "currentTotalDutiesSet": bag(duties_left) if order.duties else None,
            "originalTotalAdditionalFeesSet": bag(order.fees) if order.fees else None,
            "currentTotalAdditionalFeesSet": bag(order.fees) if order.fees else None,
            "taxLines": self._taxes(_by_rate(order), theirs),
        }

    def _order_parts(self, order: Order) -> Json:
        return {
            "subtotalLineItemsQuantity": sum(line.quantity for line in order.lines),
            "currentSubtotalLineItemsQuantity": sum(line.remaining for line in order.lines),
            "lineItems": _parts(order.lines, lambda line: self.line(order, line)),
            "shippingLines": _shipping_lines(
                _parts(order.shipping, lambda line: self._shipping(order, line)),
                _parts(
                    [line for line in order.shipping if line.removed is None],
                    lambda line: self._shipping(order, line),
                ),
            ),
            "refunds": _first(self.refund(order, refund) for refund in order.refunds),
            "transactions": _first(self._transaction(order, t) for t in order.transactions),
            "fulfillments": _first(self._fulfillment(order, f) for f in order.fulfillments),
        }

    def line(self, order: Order, line: Line) -> Json:
        """``LineItem``."""
        theirs, product, variant = order.presentment, line.product, line.variant
        title = variant.title if variant and variant.title != "Default Title" else None
        net = line.total - line.discount
        bag = self._bag

        def discounted(_: Info, *, withCodeDiscounts: bool = False) -> Json:
            return bag(net if withCodeDiscounts else line.total, theirs)

        return {
            "__typename": "LineItem",
            "id": gid("LineItem", line.id),
            "title": line.title,
            "name": f"{line.title} - {title}" if title else line.title,
            "variantTitle": title,
            "sku": variant.sku if variant else None,
            "vendor": product.vendor if product else None,
            "quantity": line.quantity,
            "currentQuantity": line.remaining,
            "refundableQuantity": line.remaining,
            "unfulfilledQuantity": max(0, line.remaining - line.fulfilled),
            "isGiftCard": line.gift_card,
            "requiresShipping": not (line.gift_card or line.tip),
            "taxable": bool(line.taxes),
            "originalUnitPriceSet": bag(line.price, theirs),
            "originalTotalSet": bag(line.total, theirs),
            "discountedUnitPriceSet": bag(line.price, theirs),
            # Codes count only where they are asked for.
            "discountedTotalSet": discounted,
            "totalDiscountSet": bag(0, theirs),
            "discountAllocations": [
                {"allocatedAmountSet": bag(amount, theirs)} for _, amount in line.allocations
            ],
            "taxLines": _first(self._taxes(line.taxes, theirs)),
            "product": _later(lambda: self._bought(product)),
            "variant": _later(lambda: self._chosen(product, variant)),
        }

    def _shipping(self, order: Order, shipping: Shipping) -> Json:
        theirs = order.presentment
        net, tax = shipping.left(included=order.taxes_included)
        left = net + (tax if order.taxes_included else 0)
        allocated = (
            [{"allocatedAmountSet": self._bag(shipping.discount, theirs)}]
            if shipping.discount
            else []
        )
        return {
            "__typename": "ShippingLine",
            "id": gid("ShippingLine", shipping.id),
            "title": shipping.title,
            "code": shipping.code,
            "source": "shopify",
            "isRemoved": shipping.removed is not None,
            "originalPriceSet": self._bag(shipping.price, theirs),
            "discountedPriceSet": self._bag(shipping.discounted, theirs),
            "currentDiscountedPriceSet": self._bag(left, theirs),
            "discountAllocations": allocated,
            "taxLines": self._taxes(shipping.taxes, theirs),
        }

    def refund(self, order: Order, refund: Refund) -> Json:
        """``Refund``."""
        theirs = order.presentment
        given = sum(t.amount for t in refund.transactions if t.kind == "refund")
        return {
            "__typename": "Refund",
            "id": gid("Refund", refund.id),
            "legacyResourceId": str(refund.id),
            "note": refund.note,
            "createdAt": when(refund.created_at),
            "processedAt": when(refund.created_at),
            "updatedAt": when(refund.created_at),
            "totalRefundedSet": self._bag(given, theirs),
            "duties": [{"amountSet": self._bag(refund.duties, theirs)}] if refund.duties else [],
            "refundLineItems": _parts(refund.lines, lambda item: self._refund_line(order, item)),
            "refundShippingLines": _parts(
                list(enumerate(refund.shipping_back)),
                lambda pair: {
                    "__typename": "RefundShippingLine",
                    "id": gid("RefundShippingLine", refund.id + 2 + 8 * pair[0]),
                    "shippingLine": self._shipping(order, pair[1].shipping),
                    "subtotalAmountSet": self._bag(pair[1].amount, theirs),
                    "taxAmountSet": self._bag(pair[1].tax, theirs),
                },
            ),
            "orderAdjustments": _parts(
                [refund.discrepancy] if refund.discrepancy else [],
                lambda amount: {
                    "__typename": "OrderAdjustment",
                    "id": gid("OrderAdjustment", refund.id + 4),
                    "amountSet": self._bag(amount, theirs),
                    "taxAmountSet": self._bag(0, theirs),
                    "reason": "REFUND_DISCREPANCY",
                },
            ),
            "transactions": _parts(
                refund.transactions, lambda money: self._transaction(order, money)
            ),
        }

    def _refund_line(self, order: Order, item: RefundLine) -> Json:
        theirs = order.presentment
        return {
            "__typename": "RefundLineItem",
            "id": gid("RefundLineItem", item.id),
            "lineItem": self.line(order, item.line),
            "quantity": item.quantity,
            "restocked": item.restock_type != "no_restock",
            "restockType": item.restock_type.upper(),
            "priceSet": self._bag(item.line.price, theirs),
            "subtotalSet": self._bag(item.subtotal, theirs),
            "totalTaxSet": self._bag(item.tax, theirs),
        }

    def _transaction(self, order: Order, money: Transaction) -> Json:
        parent = next((t for t in order.transactions if t.id == money.parent_id), None)
        return {
            "__typename": "OrderTransaction",
            "id": gid("OrderTransaction", money.id),
            "kind": money.kind.upper(),
            "status": "SUCCESS",
            "gateway": order.gateway,
            "amountSet": self._bag(money.amount, order.presentment),
            "parentTransaction": _later(lambda: parent and self._transaction(order, parent)),
            "test": order.test,
            "createdAt": when(money.created_at),
            "processedAt": when(money.created_at),
        }

    def _fulfillment(self, order: Order, parcel: Fulfillment) -> Json:
        return {
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", parcel.id),
            "name": f"{order.name}.{parcel.number}",
            "status": "SUCCESS",
            "totalQuantity": sum(units for _, units in parcel.lines),
            "createdAt": when(parcel.created_at),
            "updatedAt": when(parcel.created_at),
        }

    # -- before the order -----------------------------------------------------------------------

    def checkout(self, checkout: Checkout) -> Json:
        """``AbandonedCheckout``. It has no token: only its address holds it."""
        basket, totals = checkout.basket, checkout.totals
        theirs, plan = basket.presentment, self.shop.plan
        known = checkout.customer if checkout.customer and not checkout.customer.deleted else None

        def customer(info: Info) -> Json | None:
            require(info, "read_customers")
            return None if known is None else self.customer(known)

        return {
            "__typename": "AbandonedCheckout",
            "id": gid("AbandonedCheckout", checkout.number),
            "name": f"#{checkout.number}",
            "abandonedCheckoutUrl": (
                f"https://{plan.domain}/{self.shop.front.id}/checkouts/ac/{checkout.token}/recover"
                f"?key={checkout.token[::-1]}&locale={plan.place.locale}"
            ),
            "note": "",
            "taxesIncluded": plan.taxes_included,
            "createdAt": when(checkout.created_at),
            "updatedAt": when(checkout.updated_at),
            "completedAt": when(checkout.completed_at),
            "customer": customer,
            "discountCodes": [application.code for application in basket.applications],
            "taxLines": self._taxes([tax for line in basket.lines for tax in line.taxes], theirs),
            "totalPriceSet": self._bag(totals.price, theirs),
            "subtotalPriceSet": self._bag(totals.subtotal, theirs),
            "totalDiscountSet": self._bag(totals.discounts, theirs),
            "totalLineItemsPriceSet": self._bag(totals.lines, theirs),
            "totalTaxSet": self._bag(totals.tax, theirs),
            "totalDutiesSet": self._bag(basket.duties, theirs) if basket.duties else None,
            "lineItems": _parts(basket.lines, lambda line: self._checkout_line(line, theirs)),
        }

    def _checkout_line(self, line: Line, theirs: Presentment) -> Json:
        product, variant = line.product, line.variant
        return {
            "__typename": "AbandonedCheckoutLineItem",
            "id": gid("AbandonedCheckoutLineItem", line.id),
            "title": line.title,
            "variantTitle": variant.title if variant else None,
            "sku": variant.sku if variant else None,
            "quantity": line.quantity,
            "originalUnitPriceSet": self._bag(line.price, theirs),
            "originalTotalPriceSet": self._bag(line.total, theirs),
            "discountedTotalPriceSet": self._bag(line.total - line.discount, theirs),
            "product": _later(lambda: self._bought(product)),
            "variant": _later(lambda: self._chosen(product, variant)),
        }


_FULFILLMENT: dict[str | None, str] = {
    None: "UNFULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "fulfilled": "FULFILLED",
    "restocked": "RESTOCKED",
}


def _shipping_lines(
    every: Callable[..., Json], standing: Callable[..., Json]
) -> Callable[..., Json]:
    """What edits removed is listed only where it is asked for."""

    def resolve(info: Info, *, includeRemovals: bool = False, **arguments: Any) -> Json:
        return (every if includeRemovals else standing)(info, **arguments)

    return resolve


def _by_rate(order: Order) -> list[tuple[TaxRate, int]]:
    sums: dict[TaxRate, int] = {}
    taxes = [tax for line in order.lines for tax in line.taxes]
    for rate, amount in taxes + [tax for line in order.shipping for tax in line.taxes]:
        sums[rate] = sums.get(rate, 0) + amount
    return list(sums.items())
