-- needs extension pg_trgm
--
-- What lists are sorted by and what searches find: a narrow row for each product that is sold, beside the wide one that every order
-- writes to. Kept by triggers on products, so that no statement can forget it. Searching needs nothing of the database's locale: names
-- are folded here, and similarity is of Latin letters only, since pg_trgm sees no others in a database with the locale C.

-- Lower case, without accents and signs: what two spellings of a name have in common. `ё` is `е`, an apostrophe is nothing, other signs
-- part words.
CREATE FUNCTION folded(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(translate(
    lower($1 COLLATE "C"),
    'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯёÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖòóôõöÙÚÛÜùúûüÝýÿ'
        || E'\t\n\r\u00a0\u2013\u2014\u2026!"#$%&()*+,-./:;<=>?@[\\]^_{|}~«»„“”№'
        || E'''`\u2018\u2019\u0301\u0306\u0308\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e'
        || E'\u2060\u2066\u2067\u2068\u2069\ufeff',
    'абвгдеежзийклмнопрстуфхцчшщъыьэюяеaaaaaaaaaaaacceeeeeeeeiiiiiiiinnoooooooooouuuuuuuuyyy'
        || '                                           '
), ' +', ' ', 'g'));

-- Letters that are near each other are the same here: only how similar two words look is read from it.
CREATE FUNCTION latin(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate($1, 'абвгдежзийклмнопрстуфхцчшщыэюяъь', 'abvgdejziyklmnoprstufhcqwwyeua');

-- The words of a folded text as they stand there, and their stems in English or Russian, whichever they are written in.
CREATE FUNCTION search_vector(text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN strip(to_tsvector('pg_catalog.simple', $1) || to_tsvector('pg_catalog.russian', $1));

-- As many lines as there are products that are sold.
CREATE TABLE listings (
    product_id bigint PRIMARY KEY REFERENCES products ON DELETE CASCADE,
    category text COLLATE "C" NOT NULL,
    -- The regular price.
    price_amount bigint NOT NULL,
    in_stock boolean NOT NULL,
    -- Microseconds since 1970.
    added bigint NOT NULL,
    -- The beginning of the folded names. Bytes sort them as their alphabets do, whatever the locale.
    name_en text COLLATE "C" NOT NULL,
    name_ru text COLLATE "C" NOT NULL,
    words tsvector NOT NULL
) WITH (fillfactor = 90); -- room for being sold out and coming back, without touching an index
CREATE INDEX listings_by_category ON listings (category, product_id);
CREATE INDEX listings_by_price ON listings (price_amount, product_id);
CREATE INDEX listings_by_category_and_price ON listings (category, price_amount, product_id);
CREATE INDEX listings_by_name_en ON listings (name_en, product_id);
CREATE INDEX listings_by_category_and_name_en ON listings (category, name_en, product_id);
CREATE INDEX listings_by_name_ru ON listings (name_ru, product_id);
CREATE INDEX listings_by_category_and_name_ru ON listings (category, name_ru, product_id);
CREATE INDEX listings_by_age ON listings (added, product_id);
CREATE INDEX listings_by_category_and_age ON listings (category, added, product_id);
CREATE INDEX listings_words ON listings USING gin (words) WITH (fastupdate = off);

-- Every word that ever stood in a name, to find what a misspelt one was meant to be. Words of what is not sold any more do no harm:
-- they are only taken for a correction if they find something.
CREATE TABLE search_words (
    word text COLLATE "C" PRIMARY KEY,
    latin text COLLATE "C" NOT NULL GENERATED ALWAYS AS (latin(word)) STORED
);

-- pg_trgm is made by the administrator, who made this schema. Where nobody gave an administrator's rights to the migration, it may be
-- there already, in whichever schema, or the role may own the database.
DO $$
DECLARE
    home text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm;
    END IF;
    SELECT quote_ident(n.nspname) INTO home
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    EXECUTE format('CREATE INDEX search_words_latin ON search_words USING gin (latin %s.gin_trgm_ops)', home);
    -- The body is resolved now, so it goes on working wherever the extension is moved.
    EXECUTE format($function$
        CREATE FUNCTION similar_words(text, at_most bigint) RETURNS TABLE (word text, similarity real)
        LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 24 SET pg_trgm.similarity_threshold = 0.1
        BEGIN ATOMIC
            SELECT s.word, %1$s.similarity(s.latin, latin($1)) FROM search_words s
            WHERE s.latin OPERATOR(%1$s.%%) latin($1)
            ORDER BY 2 DESC, 1 LIMIT at_most;
        END
    $function$, home);
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
        RAISE EXCEPTION 'the catalog needs the extension pg_trgm: have an administrator of this database run CREATE EXTENSION pg_trgm, and grant % the use of the schema that it is in', current_user
            USING DETAIL = SQLERRM;
END
$$;

-- Brings the listings of some products up to date.
CREATE FUNCTION list_products(ids bigint[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM listings l USING unnest(ids) AS asked (id) JOIN products p USING (id)
    WHERE l.product_id = p.id AND p.deleted_at IS NOT NULL;

    -- Folding is what takes time here: once for each name. (OFFSET 0 keeps the two levels apart.)
    INSERT INTO listings AS l (product_id, category, price_amount, in_stock, added, name_en, name_ru, words)
    SELECT id, category, price_amount, in_stock, added, left(en, 60), left(ru, 60), search_vector(concat_ws(' ', en, ru, shelf))
    FROM (
        SELECT p.id, p.category, p.price_amount, p.stock > 0 AS in_stock, (extract(epoch FROM p.created_at) * 1000000)::bigint AS added,
            folded(p.name_en) AS en, folded(p.name_ru) AS ru, c.shelf
        FROM unnest(ids) AS asked (id)
        JOIN products p USING (id)
        JOIN (SELECT slug, folded(name_en || ' ' || name_ru) AS shelf FROM categories OFFSET 0) c ON c.slug = p.category
        WHERE p.deleted_at IS NULL
        OFFSET 0
    ) sold
    ON CONFLICT (product_id) DO UPDATE SET
        category = excluded.category, price_amount = excluded.price_amount, in_stock = excluded.in_stock,
        added = excluded.added, name_en = excluded.name_en, name_ru = excluded.name_ru, words = excluded.words;

    -- Sorted, so that two who add the same words wait for each other in one order.
    INSERT INTO search_words (word)
    SELECT DISTINCT word
    FROM unnest(ids) AS asked (id) JOIN listings l ON l.product_id = asked.id, unnest(tsvector_to_array(l.words)) AS word
    WHERE char_length(word) > 2 AND word !~ '[0-9]'
    ORDER BY word
    ON CONFLICT DO NOTHING;
END
$$;

CREATE FUNCTION list_added_products() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM list_products(ARRAY(SELECT id FROM added));
    RETURN NULL;
END
$$;

CREATE FUNCTION list_changed_product() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM list_products(ARRAY[NEW.id]);
    RETURN NULL;
END
$$;

CREATE FUNCTION list_stock() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE listings SET in_stock = NEW.stock > 0 WHERE product_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER products_list_added AFTER INSERT ON products
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION list_added_products();

-- Not for the stock, which changes with every order.
CREATE TRIGGER products_list_changed AFTER UPDATE OF category, name_en, name_ru, price_amount, deleted_at ON products
    FOR EACH ROW WHEN (
        (OLD.category, OLD.name_en, OLD.name_ru, OLD.price_amount, OLD.deleted_at)
        IS DISTINCT FROM (NEW.category, NEW.name_en, NEW.name_ru, NEW.price_amount, NEW.deleted_at)
    ) EXECUTE FUNCTION list_changed_product();

-- Not each order, only that which takes the last piece, or gives the first one back.
CREATE TRIGGER products_list_stock AFTER UPDATE OF stock ON products
    FOR EACH ROW WHEN ((OLD.stock > 0) IS DISTINCT FROM (NEW.stock > 0)) EXECUTE FUNCTION list_stock();
