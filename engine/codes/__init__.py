"""Country codes and groups, HS codes and editions: text in, canonical codes out."""

from tradewedge.codes.concordance import Translation, concordance, translate
from tradewedge.codes.countries import SYSTEMS, check_country, countries, crosswalk, to_iso3
from tradewedge.codes.groups import (
    customs_unions,
    group_members,
    group_table,
    group_titles,
    groups,
    is_group,
)
from tradewedge.codes.lists import NamedList, list_names, list_table, named_list
from tradewedge.codes.nearest import nearest
from tradewedge.codes.products import (
    VINTAGES,
    check_product,
    check_vintage,
    known_products,
    product_text,
    products,
)

__all__ = [
    "SYSTEMS",
    "VINTAGES",
    "NamedList",
    "Translation",
    "check_country",
    "check_product",
    "check_vintage",
    "concordance",
    "countries",
    "crosswalk",
    "customs_unions",
    "group_members",
    "group_table",
    "group_titles",
    "groups",
    "is_group",
    "known_products",
    "list_names",
    "list_table",
    "named_list",
    "nearest",
    "product_text",
    "products",
    "to_iso3",
    "translate",
]
