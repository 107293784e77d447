"""All panels: the figures, and the lists behind them. A file beside this one is a family of them."""

from __future__ import annotations

from fastapi import APIRouter

from tillstream.serve.routes import breakdown, checkouts, customers, orders, products, sales

router = APIRouter()
for family in (sales, breakdown, orders, products, customers, checkouts):
    router.include_router(family.router)
