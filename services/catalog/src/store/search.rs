//! What a text is taken for: its words, and the words that are like those that no name has.

use shop_runtime::query;
use sqlx::PgExecutor;

use crate::domain::search::{SearchText, Suggestion, Word};

/// A text as names are compared with it, and the words of it that are looked at.
#[derive(Debug)]
pub struct Read {
    /// In lower case, without accents and signs.
    pub folded: String,
    /// Its words: the longest ones if there are very many, since they tell most.
    pub words: Vec<Word>,
}

/// Reads a text as the names of products were read.
#[query]
pub async fn read(db: impl PgExecutor<'_>, text: &SearchText) -> sqlx::Result<Read> {
    let rows = sqlx::query!(
        r#"WITH text AS MATERIALIZED (SELECT folded($1) AS folded)
           SELECT text.folded AS "folded!", word.word AS "word!", stems[1] AS stem,
               EXISTS (
                   SELECT FROM listings l
                   WHERE l.words @@ concat(quote_literal(word.word), ':*', '|' || quote_literal(stems[1]))::tsquery
               ) AS "known!"
           FROM text, unnest(tsvector_to_array(to_tsvector('pg_catalog.simple', text.folded))) AS word (word),
               LATERAL ts_lexize(
                   CASE WHEN word.word ~ '[a-z]' THEN 'pg_catalog.english_stem' ELSE 'pg_catalog.russian_stem' END::regdictionary,
                   word.word
               ) AS stems
           ORDER BY char_length(word.word) DESC, word.word LIMIT 8"#,
        text.as_str(),
    )
    .fetch_all(db)
    .await?;
    let folded = rows.first().map(|row| row.folded.clone()).unwrap_or_default();
    let words = rows.into_iter().map(|row| Word { word: row.word, stem: row.stem, known: row.known }).collect();
    Ok(Read { folded, words })
}

/// For each of these words, the words of names that are most like it.
#[query]
pub async fn suggestions(db: impl PgExecutor<'_>, misspelt: &[String]) -> sqlx::Result<Vec<Suggestion>> {
    sqlx::query_as!(
        Suggestion,
        r#"SELECT typed.word AS "typed!", alike.word AS "meant!", stems[1] AS stem
           FROM unnest($1::text[]) AS typed (word),
               LATERAL similar_words(typed.word, 24) AS alike (word, similarity),
               LATERAL ts_lexize(
                   CASE WHEN alike.word ~ '[a-z]' THEN 'pg_catalog.english_stem' ELSE 'pg_catalog.russian_stem' END::regdictionary,
                   alike.word
               ) AS stems
           WHERE EXISTS (SELECT FROM listings l WHERE l.words @@ quote_literal(alike.word)::tsquery)
           ORDER BY alike.similarity DESC, alike.word"#,
        misspelt,
    )
    .fetch_all(db)
    .await
}
