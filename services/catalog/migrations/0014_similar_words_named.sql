-- A database that was saved must come back. PostgreSQL writes a parameter without a name as "" in the body of a function whose other parameters
-- have names, and refuses to read that again, so a dump with the former function could not be restored.
DO $$
DECLARE
    home text;
BEGIN
    SELECT quote_ident(n.nspname) INTO home
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION similar_words(asked text, at_most bigint) RETURNS TABLE (word text, similarity real)
        LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 24 SET pg_trgm.similarity_threshold = 0.1
        BEGIN ATOMIC
            SELECT s.word, %1$s.similarity(s.latin, latin(asked)) FROM search_words s
            WHERE s.latin OPERATOR(%1$s.%%) latin(asked)
            ORDER BY 2 DESC, 1 LIMIT at_most;
        END
    $function$, home);
END
$$;
