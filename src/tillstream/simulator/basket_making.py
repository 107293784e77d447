"""What a shopper takes, and what it comes to."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from tillstream.simulator.currency import MILLION, at_rate, split
from tillstream.simulator.facts import Application, Basket, Line, Shipping, levied

if TYPE_CHECKING:
    from tillstream.simulator.facts import Product
    from tillstream.simulator.plan import DiscountCode
    from tillstream.simulator.shopfront import Shopfront

_LINES = (0.56, 0.83, 0.94, 0.98)
_DUTY = 118_000


def fill_basket(shop: Shopfront, *, shipped: bool = True) -> Basket:
    """Choose wares, codes and shipping, and price it all."""
    habits = shop.plan.habits
    basket = Basket(_choose_lines(shop), None, [])
    if shipped and shop.plan.abroad and shop.chance(habits.abroad):
        _send_abroad(shop, basket)
    if shop.chance(habits.discounted) and shop.plan.codes:
        _apply(basket, shop.random.choice(shop.plan.codes), shop)
    if shipped and any(not line.gift_card for line in basket.lines):
        basket.shipping = _ship(shop, basket)
    _levy(shop, basket)
    return basket


def line_of(shop: Shopfront, product: Product, quantity: int) -> Line:
    """A line of one of the product's variants at today's price."""
    variant = shop.random.choice(product.variants)
    return Line(
        shop.next_id("line_item"),
        product,
        variant,
        product.title,
        variant.price,
        quantity,
        gift_card=product.gift_card,
    )


def on_sale(shop: Shopfront) -> list[Product]:
    """What may be bought now, best sellers first, gift cards aside."""
    return [p for p in shop.products if not p.deleted and not p.gift_card]


def _choose_lines(shop: Shopfront) -> list[Line]:
    draw = shop.random.random()
    count = 1 + sum(draw > limit for limit in _LINES)
    wares = on_sale(shop)
    # Popularity falls with rank, as sales of real catalogues do.
    weights = list(accumulate(1 / (rank + 1.6) for rank in range(len(wares))))
    chosen = {p.id: p for p in shop.random.choices(wares, cum_weights=weights, k=count)}
    lines = [line_of(shop, product, _quantity(shop)) for product in chosen.values()]
    if shop.chance(shop.plan.habits.gift_card):
        cards = [p for p in shop.products if p.gift_card and not p.deleted]
        lines.extend(line_of(shop, card, 1) for card in cards[:1])
    return lines


def _quantity(shop: Shopfront) -> int:
    draw = shop.random.random()
    return 1 + sum(draw > limit for limit in (0.8, 0.94, 0.985))


def _send_abroad(shop: Shopfront, basket: Basket) -> None:
    plan = shop.plan
    if plan.abroad is None:
        return
    abroad = shop.random.choice((plan.abroad, *plan.more_abroad))
    basket.place = abroad.place
    basket.presentment = (abroad.currency, abroad.millionths) if shop.chance(0.7) else None


def _apply(basket: Basket, code: DiscountCode, shop: Shopfront) -> None:
    """Take the code's discount off, its allocations summing to it exactly."""
    goods = [line for line in basket.lines if not line.gift_card]
    if not goods:
        return
    if code.target == "shipping":
        basket.applications.append(_application(code, 0, shop))
        return
    entitled = goods if code.target == "order" else [max(goods, key=lambda line: line.total)]
    whole = sum(line.total for line in entitled)
    percent = code.value_type == "percentage"
    amount = min(whole, at_rate(whole, code.value) if percent else code.value)
    for line, part in zip(entitled, split(amount, [line.total for line in entitled]), strict=True):
        if part:
            line.allocations.append((0, part))
    basket.applications.append(_application(code, amount, shop))


def _application(code: DiscountCode, amount: int, shop: Shopfront) -> Application:
    percent = code.value_type == "percentage"
    shipping = code.target == "shipping"
    return Application(
        code=code.code,
        value_type=code.value_type,
        value=f"{code.value * 100 / MILLION:.4g}" if percent else shop.currency.text(code.value),
        code_type="shipping" if shipping else code.value_type,
        target_type="shipping_line" if shipping else "line_item",
        target_selection="entitled" if code.target == "line" else "all",
        allocation_method="each" if shipping or code.target == "line" else "across",
        amount=amount,
    )


def _ship(shop: Shopfront, basket: Basket) -> Shipping:
    methods = shop.plan.shipping
    method = methods[0] if shop.chance(0.8) else methods[-1]
    goods = sum(line.total - line.discount for line in basket.lines)
    free = method.free_from is not None and goods >= method.free_from
    price = 0 if free else method.price
    shipping = Shipping(shop.next_id("line_item"), method.title, method.code, price, 0, None, [])
    _discount_shipping(basket, shipping)
    return shipping


def _discount_shipping(basket: Basket, shipping: Shipping) -> None:
    for index, application in enumerate(basket.applications):
        if application.target_type == "shipping_line" and shipping.price:
            shipping.discount, shipping.application = shipping.price, index
            basket.applications[index] = Application(
                application.code,
                application.value_type,
                application.value,
                application.code_type,
                application.target_type,
                application.target_selection,
                application.allocation_method,
                shipping.price,
            )


def _levy(shop: Shopfront, basket: Basket) -> None:
    """Taxes at home; duties abroad. A delivery fee now and then, where the shop asks one."""
    plan, included = shop.plan, shop.plan.taxes_included
    if basket.place is not None:
        # Leaving the country: no tax is due at home, and prices stand as they are.
        goods = sum(li.total - li.discount for li in basket.lines if not li.gift_card)
        basket.duties = at_rate(goods, _DUTY) if shop.chance(0.6) else 0
        return
    for line in basket.lines:
        if line.product is not None:
            line.levy(line.product.taxes, included=included)
    shipping = basket.shipping
    if shipping is not None and plan.shipping_taxed:
        shipping.taxes = levied(shipping.discounted, plan.taxes, included=included)
    if plan.fee and shipping is not None and shop.chance(0.03):
        basket.fees = plan.fee
