ALTER TABLE "accounts" ADD CONSTRAINT "accounts_email_null" CHECK ("email" IS NOT NULL) NOT VALID;
ALTER TABLE "accounts" VALIDATE CONSTRAINT "accounts_email_null";
ALTER TABLE "accounts" ALTER COLUMN "email" SET NOT NULL;
ALTER TABLE "accounts" DROP CONSTRAINT "accounts_email_null";
CREATE UNIQUE INDEX CONCURRENTLY "index_accounts_on_email" ON "accounts" ("email");
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_email_key" UNIQUE USING INDEX "index_accounts_on_email";
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_name_length" CHECK (char_length(name) <= 100) NOT VALID;
ALTER TABLE "accounts" VALIDATE CONSTRAINT "accounts_name_length";
CREATE INDEX CONCURRENTLY "index_accounts_on_lower_name" ON "accounts" (lower(name)) WHERE slug IS NULL;
