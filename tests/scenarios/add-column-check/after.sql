ALTER TABLE users ADD tier text DEFAULT 'std', ADD CONSTRAINT users_tier_check CHECK (tier IN ('std', 'pro'));
