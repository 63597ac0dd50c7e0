//! What customers find, whatever they type.

use std::collections::BTreeMap;

use serde_json::Value;
use shop_runtime::db::DbConfig;

use crate::support::{Catalog, Setup, ids, names};

impl Catalog {
    /// What this query of the list of products answers, which must work.
    pub(crate) async fn listed(&self, query: &[(&str, &str)]) -> Value {
        let url = reqwest::Url::parse_with_params("http://shop/", query).expect("a URL");
        let answer = self.get(&format!("/api/products?{}", url.query().unwrap_or_default())).await;
        assert_eq!(answer.status, 200, "{query:?}: {answer:?}");
        answer.body
    }

    /// The English names of what is found.
    async fn found(&self, q: &str) -> Vec<String> {
        names(&self.listed(&[("q", q), ("limit", "100")]).await)
    }
}

/// Enough of the assortment for each of its kinds to be there.
async fn shop() -> Catalog {
    Catalog::with_products(800).await
}

#[track_caller]
fn assert_all(names: &[String], part: &str) {
    assert!(!names.is_empty(), "nothing is found");
    for name in names {
        assert!(name.to_lowercase().contains(part), "{name} has no {part}");
    }
}

#[tokio::test]
async fn words_are_found_by_their_begin_in_both_languages() {
    let catalog = shop().await;
    assert_all(&catalog.found("choc").await, "choc");
    assert_all(&catalog.found("CHOCO").await, "choc");
    let found = catalog.listed(&[("q", "шок"), ("limit", "100")]).await;
    assert!(!ids(&found).is_empty());
    for item in found["items"].as_array().expect("items") {
        assert!(item["name"]["ru"].as_str().is_some_and(|name| name.to_lowercase().contains("шок")), "{item}");
    }
}

#[tokio::test]
async fn words_are_found_in_any_order_and_form_of_either_language_whatever_language_is_asked_for() {
    let catalog = shop().await;
    let whole = catalog.found("whole milk").await;
    assert_all(&whole, "whole milk");
    assert_eq!(catalog.found("milk, WHOLE!").await, whole);
    assert_all(&catalog.found("banana").await, "bananas");
    assert_all(&catalog.found("сметаной").await, "cream");
    assert_all(&catalog.found("зеленую долину").await, "green valley");
    assert_all(&catalog.found("Зелёная milk").await, "milk");
    assert_all(&catalog.found("grandmas").await, "grandma's");
    assert_all(&catalog.found("grandma's").await, "grandma's");
    assert_all(&catalog.found("молоко 3,2%").await, "whole milk 3.2%");
    assert_all(&catalog.found("yoghurt with strawberry").await, "strawberry");
    assert_all(&catalog.found("yoghurt and the strawberry").await, "strawberry");
    for lang in ["en", "ru"] {
        let english = catalog.listed(&[("q", "milk"), ("lang", lang)]).await;
        let russian = catalog.listed(&[("q", "кефир"), ("lang", lang)]).await;
        assert!(!ids(&english).is_empty() && !ids(&russian).is_empty());
    }
}

#[tokio::test]
async fn a_category_is_found_by_its_name() {
    let catalog = shop().await;
    for q in ["dairy", "молочные продукты"] {
        let found = catalog.listed(&[("q", q), ("limit", "100")]).await;
        assert_eq!(ids(&found).len(), 100, "{q}");
        assert!(found["items"].as_array().expect("items").iter().all(|item| item["category"] == "dairy"), "{q}");
    }
}

#[tokio::test]
async fn misspelt_words_are_taken_for_those_that_were_meant() {
    let catalog = shop().await;
    for (typed, meant) in [
        ("bananna", "banana"),
        ("малоко", "milk"),
        ("mlik", "milk"),
        ("chokolate", "chocolate"),
        ("шакалад", "chocolate"),
        ("mozarela", "mozzarella"),
        ("кифир", "kefir"),
        ("бананами", "banana"),
        ("шоколодный", "chocolate"),
        ("whole mylk", "whole milk"),
        ("tomatos", "tomato"),
    ] {
        let found = catalog.found(typed).await;
        assert!(!found.is_empty(), "{typed} finds nothing");
        assert!(found[0].to_lowercase().contains(meant), "{typed}: {found:?}");
    }
}

#[tokio::test]
async fn a_word_that_is_known_is_never_taken_for_another() {
    let catalog = shop().await;
    // Both are only a letter from each other.
    assert_all(&catalog.found("milk").await, "milk");
    assert_all(&catalog.found("mill").await, "mill");
}

#[tokio::test]
async fn what_is_called_so_comes_first_then_what_begins_so_then_what_has_the_words_then_what_is_like_them() {
    let catalog = Catalog::with_products(8).await;
    let mut product = crate::admin::pears();
    let mut ids = Vec::new();
    for name in ["Quux tea", "Tea quuxling", "Sweet quux", "Quux", "Quuxling", "Tea quaxs"] {
        product["name"] = serde_json::json!({"en": name, "ru": "Чай"});
        ids.push(catalog.admin("POST", "/api/products", &product).await.body["id"].clone());
    }
    let found = catalog.found("quux").await;
    assert_eq!(found, ["Quux", "Quux tea", "Quuxling", "Sweet quux", "Tea quuxling"]);
    // Nothing is called so: one letter is wrong for one, two are for the others.
    let found = catalog.found("quaxx").await;
    assert_eq!((&*found[0], found.len()), ("Tea quaxs", 6), "{found:?}");
}

#[tokio::test]
async fn a_search_follows_what_administrators_do_at_once() {
    let catalog = Catalog::with_products(8).await;
    assert!(catalog.found("zwieback").await.is_empty());
    let mut product = crate::admin::pears();
    product["name"] = serde_json::json!({"en": "Zwieback", "ru": "Сухари"});
    let id = catalog.admin("POST", "/api/products", &product).await.body["id"].as_i64().expect("a number");
    assert_eq!(catalog.found("zwieback").await, ["Zwieback"]);
    assert_eq!(catalog.found("zweiback").await, ["Zwieback"], "new words can be misspelt too");
    catalog.set(id, &serde_json::json!({"name": {"en": "Rusk", "ru": "Сухари"}})).await;
    assert!(catalog.found("zwieback").await.is_empty(), "a word that nothing has is not taken for itself");
    assert_eq!(catalog.found("rusks").await, ["Rusk"]);
    catalog.set(id, &serde_json::json!({"category": "bread"})).await;
    assert_eq!(ids_of(&catalog, "rusk", "bread").await, [id]);
    assert!(ids_of(&catalog, "rusk", "fruit").await.is_empty());
    catalog.delete(id).await;
    assert!(catalog.found("rusk").await.is_empty());
}

async fn ids_of(catalog: &Catalog, q: &str, category: &str) -> Vec<i64> {
    ids(&catalog.listed(&[("q", q), ("category", category)]).await)
}

#[tokio::test]
async fn nothing_that_is_typed_breaks_a_search_or_is_taken_for_anything_but_words() {
    let catalog = shop().await;
    // Signs may make that it is not the begin of a name any more, which is the order.
    let found = async |q: &str| {
        let mut names = catalog.found(q).await;
        names.sort();
        names
    };
    let milk = found("milk").await;
    for hostile in [
        "milk'",
        "milk\"",
        "'milk",
        "milk\\",
        "milk & ",
        "milk | ",
        "!milk",
        "milk:*",
        "milk:A",
        "(milk",
        "milk)",
        "<-> milk",
        "milk%",
        "_milk_",
        "milk;",
        "--milk",
        "milk*/",
        "milk\u{202e}",
        "\u{feff}milk\u{200b}",
        "m\u{ad}ilk",
        "mılk milk",
    ] {
        let found = found(hostile).await;
        assert!(found == milk || found.is_empty(), "{hostile}: {found:?}");
    }
    for nothing in [
        "🍌",
        "%",
        "%%%",
        "'",
        "\\",
        "&|!():*<->",
        "…",
        "\u{202e}\u{202d}",
        "\u{200b}",
        "_______",
        "١٢٣",
        "漢字",
        "xyzzyplugh",
    ] {
        assert!(catalog.found(nothing).await.is_empty(), "{nothing}");
    }
    for hostile in [
        "'; DROP TABLE products; --",
        "' OR '1'='1",
        "$1",
        "{}",
        "${jndi:ldap://x}",
        "a".repeat(100).as_str(),
        "я".repeat(100).as_str(),
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
        "NULL",
        "true",
        "\u{10ffff}",
        "e\u{301}clair",
    ] {
        catalog.found(hostile).await;
    }
    assert_eq!(found("milk").await, milk);
    assert!(catalog.found("milk or sugar nonsense").await.is_empty(), "all the words must be there");
}

/// How often each index and table was read so far, and how many entries or rows that were, by PostgreSQL's own counters.
async fn reads(catalog: &Catalog) -> BTreeMap<String, (i64, i64)> {
    sqlx::query("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        .execute(&catalog.pool)
        .await
        .expect("the only connection flushes its counters");
    sqlx::query_as::<_, (String, i64, i64)>(
        "SELECT indexrelname::text, idx_scan, idx_tup_read FROM pg_stat_user_indexes
         UNION ALL SELECT relname::text, seq_scan, seq_tup_read FROM pg_stat_user_tables",
    )
    .fetch_all(&catalog.pool)
    .await
    .expect("everyone may read them")
    .into_iter()
    .map(|(name, scans, rows)| (name, (scans, rows)))
    .collect()
}

#[tokio::test]
async fn with_twenty_thousand_products_searches_and_lists_are_read_from_their_indexes_and_planned_once() {
    let setup = Setup::new().await;
    let config = DbConfig { max_connections: 1, ..setup.config };
    let catalog = Catalog::start(Setup { config, ..setup }).await.filled(20_000).await;
    sqlx::query("ANALYZE").execute(&catalog.pool).await.expect("the tables are ours");
    // For each kind of list: the index that it is read from, and the most entries of it that may be read for a page of 20.
    let lists = [
        ("q=choc", "listings_words", 5_000),
        ("q=whole+milk&category=dairy&in_stock=true&min_price=100", "listings_words", 3_000),
        ("q=bananna&sort=price_desc", "listings_words", 6_000),
        ("sort=name&lang=en", "listings_by_name_en", 21),
        ("sort=name&lang=ru", "listings_by_name_ru", 21),
        ("sort=newest", "listings_by_age", 21),
        ("sort=price_asc", "listings_by_price", 21),
        ("sort=price_desc", "listings_by_price", 21),
        ("in_stock=true", "listings_pkey", 21),
        ("category=bread&sort=name&lang=en", "listings_by_category_and_name_en", 21),
        ("category=bread&sort=name&lang=ru", "listings_by_category_and_name_ru", 21),
        ("category=bread&sort=newest", "listings_by_category_and_age", 21),
        ("category=bread&sort=price_asc&min_price=10000", "listings_by_category_and_price", 21),
        ("category=bread&sort=price_desc&max_price=10000", "listings_by_category_and_price", 21),
        ("category=bread&in_stock=true", "listings_by_category", 21),
        ("category=bread&min_price=10000&max_price=11000", "listings_by_category_and_price", 400),
        ("min_price=10000&max_price=11000&sort=name", "listings_by_price", 1_500),
        ("category=bread", "products_by_category", 21),
    ];
    for (query, index, most) in lists {
        let before = reads(&catalog).await;
        let answer = catalog.get(&format!("/api/products?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert!(!ids(&answer.body).is_empty(), "{query} finds nothing");
        let after = reads(&catalog).await;
        let read = |name: &str| (after[name].0 - before[name].0, after[name].1 - before[name].1);
        let (scans, entries) = read(index);
        assert!(scans > 0 && entries <= most, "{query}: {index} was read {scans} times, {entries} entries");
        for table in ["products", "listings"] {
            assert_eq!(read(table), (0, 0), "{query} reads all {table}");
        }
    }
    let (generic, custom): (i64, i64) = sqlx::query_as(
        "SELECT sum(generic_plans)::bigint, sum(custom_plans)::bigint FROM pg_prepared_statements WHERE statement LIKE '%listings%'",
    )
    .fetch_one(&catalog.pool)
    .await
    .expect("the only connection has prepared them");
    assert!(generic >= 20 && custom == 0, "{generic} generic and {custom} other plans");
}
