-- What has changed while the listings were filled for the first time: a change did not see the listing that was on its way, and the
-- listing tells what was true before the change. From here on every writer sees the listings. The lock waits for those who did not, and
-- keeps orders waiting for as long as this takes, which is well below a second.
LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE;

DELETE FROM listings l USING products p WHERE p.id = l.product_id AND p.deleted_at IS NOT NULL;

UPDATE listings l SET in_stock = p.stock > 0
FROM products p WHERE p.id = l.product_id AND l.in_stock IS DISTINCT FROM (p.stock > 0);
