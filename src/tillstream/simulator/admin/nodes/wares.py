"""Products and variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.admin.connections import Listing
from tillstream.simulator.admin.nodes.fields import Json, gid, later, paged, when
from tillstream.simulator.admin.nodes.shop import OfShop

if TYPE_CHECKING:
    from tillstream.simulator.facts import Product, Variant


class OfWares(OfShop):
    """What is on sale, and what of it a line is of."""

    __slots__ = ()

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
            "product": later(lambda: self.product(product)),
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
