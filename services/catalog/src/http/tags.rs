//! The states of what everyone may read, by name (`ETag`): made of versions, which tell more than a hash of the body and cost less.

use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use shop_runtime::conditional::ETag;
use shop_types::Page;

use crate::cached::bestsellers::BestsellerList;
use crate::domain::category::Category;
use crate::domain::fnv::Fnv;
use crate::domain::product::Product;

/// An answer that everyone may keep, and that is to be asked for anew each time, which is cheap if nothing has changed. Prices hold to the
/// instant, so no answer may be taken for true for any time.
pub(super) fn fresh(mut response: Response) -> Response {
    let value = HeaderValue::from_static("public, max-age=0, must-revalidate");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

/// A product, in the state that it is in.
pub(super) fn of_product(product: &Product) -> ETag {
    ETag::strong(product.state())
}

/// A page of products: which they are and how each of them is, and whether there are more.
pub(super) fn of_page(page: &Page<Product>) -> ETag {
    let mut hash = Fnv::default();
    for Product { id, version, price, .. } in &page.items {
        for number in [id.get(), *version, price.amount] {
            hash.add(&number.to_le_bytes());
        }
    }
    hash.add(page.next_cursor.as_ref().map_or(&[], |cursor| cursor.as_str().as_bytes()));
    ETag::strong(format_args!("{:x}", hash.0))
}

/// The categories with their counts.
pub(super) fn of_categories(categories: &[Category]) -> ETag {
    let mut hash = Fnv::default();
    for Category { slug, name_en, name_ru, product_count } in categories {
        for text in [slug, name_en, name_ru] {
            hash.add(text.as_bytes());
        }
        hash.add(&product_count.to_le_bytes());
    }
    ETag::strong(format_args!("{:x}", hash.0))
}

/// The bestsellers: when they were counted, since whatever changes about them has them counted anew.
pub(super) fn of_bestsellers(list: &BestsellerList) -> ETag {
    ETag::strong(format_args!("{}-{}", list.computed_at.unix_timestamp_nanos(), list.items.len()))
}
