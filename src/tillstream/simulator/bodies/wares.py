"""Products, their variants, collections of them, and what of them is in stock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.press import Json, Press, encode

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
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
                "tags": ", ".join(product.tags),
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

    def variant(self, product: Product, variant: Variant) -> bytes:
        """``variants/in_stock`` and ``variants/out_of_stock``: the variant at the root."""
        return encode(self._variant(product, variant))

    def collection(self, row: Row, updated_at: int) -> bytes:
        """``collections/create`` and ``collections/update``: with rules if it is a smart one."""
        when = self._clock.text(updated_at)
        printed: Json = {
            "id": row["id"],
            "handle": row["handle"],
            "title": row["title"],
            "updated_at": when,
            "body_html": f"<p>{row['title']}</p>",
            "published_at": row["published_at"].isoformat(),
            "sort_order": "best-selling",
            "template_suffix": "",
            "published_scope": "web",
            "admin_graphql_api_id": f"gid://shopify/Collection/{row['id']}",
        }
        if row["kind"] == "smart":
            printed |= {"disjunctive": row["disjunctive"], "rules": row["rules"]}
        return encode(printed)

    def collection_deleted(self, identifier: int) -> bytes:
        """``collections/delete``."""
        gid = f"gid://shopify/Collection/{identifier}"
        return encode({"id": identifier, "published_scope": "web", "admin_graphql_api_id": gid})

    def inventory_item(self, product: Product, variant: Variant, updated_at: int) -> bytes:
        """``inventory_items/create`` and ``inventory_items/update``."""
        item = variant.inventory_item_id
        return encode(
            {
                "id": item,
                "sku": variant.sku,
                "created_at": self._clock.text(product.created_at),
                "updated_at": self._clock.text(updated_at),
                "requires_shipping": not product.gift_card,
                "cost": None if variant.cost is None else self._text(variant.cost),
                "country_code_of_origin": None,
                "province_code_of_origin": None,
                "harmonized_system_code": None,
                "tracked": not product.gift_card,
                "country_harmonized_system_codes": [],
                "admin_graphql_api_id": f"gid://shopify/InventoryItem/{item}",
            }
        )

    def inventory_level(self, item: int, location: int, available: int, updated_at: int) -> bytes:
        """``inventory_levels/connect`` and ``inventory_levels/update``."""
        gid = f"gid://shopify/InventoryLevel/{location}?inventory_item_id={item}"
        return encode(
            {
                "inventory_item_id": item,
                "location_id": location,
                "available": available,
                "updated_at": self._clock.text(updated_at),
                "admin_graphql_api_id": gid,
            }
        )

    def inventory_disconnected(self, item: int, location: int) -> bytes:
        """``inventory_levels/disconnect``: without a time."""
        return encode({"inventory_item_id": item, "location_id": location})
