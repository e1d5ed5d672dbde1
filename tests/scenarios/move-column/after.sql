ALTER TABLE users DROP COLUMN phone;
ALTER TABLE profiles ADD COLUMN phone text DEFAULT 'none';
UPDATE profiles p SET phone = 'P' || user_id;
COMMENT ON COLUMN profiles.phone IS 'in digits';
ALTER TABLE profiles ALTER phone SET STATISTICS 77;
GRANT UPDATE (phone) ON profiles TO scene_reader;
CREATE INDEX profiles_phone_idx ON profiles (phone);
-- True of the rows that were there: they were equal to those under the same constraint.
ALTER TABLE profiles ADD CONSTRAINT profiles_phone_check CHECK (phone <> '') NOT VALID;
