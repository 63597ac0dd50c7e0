-- The products that are there already. A migration of its own, so that the shop sells on while it runs: the one before has locked the
-- products for a moment, this one locks nothing that orders write to.
SELECT list_products(ARRAY(SELECT id FROM products));

-- When a customer last changed a comment, if ever.
ALTER TABLE comments ADD COLUMN edited_at timestamptz;

-- All comments of a product, newest first.
CREATE INDEX comments_newest ON comments (product_id, created_at, id);
