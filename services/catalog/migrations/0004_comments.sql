-- What customers say about products, and what others think of that.

CREATE TABLE comments (
    id uuid PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    user_id uuid NOT NULL,
    -- The customer's name at that time; the accounts are another service's.
    author text NOT NULL,
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 1000),
    rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    -- Kept by the statement that votes, so that nobody ever counts votes.
    up_votes integer NOT NULL DEFAULT 0 CHECK (up_votes >= 0),
    down_votes integer NOT NULL DEFAULT 0 CHECK (down_votes >= 0),
    -- The share of votes that are up, as low as it may well be (lower bound of Wilson's interval, 95 %, z = 1.96): 1 of 1 is less than
    -- 90 of 100. Without any vote up the bound is 0 however many are down, so those are told apart by the number against them.
    score double precision NOT NULL GENERATED ALWAYS AS (
        CASE WHEN up_votes = 0 THEN -down_votes::float8 ELSE
            (up_votes + 1.9208 - 1.96 * sqrt(up_votes::float8 * down_votes / (up_votes + down_votes) + 0.9604))
            / (up_votes + down_votes + 3.8416)
        END
    ) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT comments_one_a_customer UNIQUE (product_id, user_id)
);

-- The best comments of a product are the beginning of its part of this index.
CREATE INDEX comments_best ON comments (product_id, score DESC, created_at DESC, id DESC);

CREATE TABLE comment_votes (
    comment_id uuid NOT NULL REFERENCES comments ON DELETE CASCADE,
    user_id uuid NOT NULL,
    value smallint NOT NULL CHECK (value IN (-1, 1)),
    PRIMARY KEY (comment_id, user_id)
);
