"""Products and their variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.press import Json, Press, encode

if TYPE_CHECKING:
    from tillstream.simulator.facts import Product, Variant


class Wares(Press):
    """Prints the catalogue."""

    def product(self, product: Product) -> bytes:
        """``products/create`` and ``products/update``."""
        updated = self._clock.text(product.updated_at)
        return encode(
            {
                "admin_graphql_api_id": f"gid://shopify/Product/{product.id}",
                "body_html": f"<p>{product.title} by {product.vendor}.</p>",
                "created_at": self._clock.text(product.created_at),
                "handle": product.handle,
                "id": product.id,
                "product_type": product.product_type,
                "published_at": self._clock.text(product.created_at),
                "template_suffix": "",
                "title": product.title,
                "updated_at": updated,
                "vendor": product.vendor,
                "status": product.status,
                "published_scope": "global",
                "tags": product.product_type.lower(),
                "variants": [self._variant(product, variant) for variant in product.variants],
                "options": [
                    {
                        "name": product.option_name,
                        "id": product.id + 1,
                        "product_id": product.id,
                        "position": 1,
                        "values": [variant.title for variant in product.variants],
                    }
                ],
                "images": [],
                "image": None,
                "media": [],
                "variant_gids": [
                    {
                        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{variant.id}",
                        "updated_at": updated,
                    }
                    for variant in product.variants
                ],
                "has_variants_that_requires_components": False,
                "category": None,
            }
        )

    def _variant(self, product: Product, variant: Variant) -> Json:
        text = self._text
        compare = variant.compare_at_price
        return {
            "admin_graphql_api_id": f"gid://shopify/ProductVariant/{variant.id}",
            "barcode": None,
            "compare_at_price": None if compare is None else text(compare),
            "created_at": self._clock.text(product.created_at),
            "id": variant.id,
            "inventory_policy": "deny",
            "position": variant.position,
            "price": text(variant.price),
            "product_id": product.id,
            "sku": variant.sku,
            "taxable": bool(product.taxes),
            "title": variant.title,
            "updated_at": self._clock.text(product.updated_at),
            "option1": variant.title,
            "option2": None,
            "option3": None,
            "image_id": None,
            "inventory_item_id": variant.inventory_item_id,
            "inventory_quantity": variant.inventory_quantity,
            "old_inventory_quantity": variant.inventory_quantity,
        }
