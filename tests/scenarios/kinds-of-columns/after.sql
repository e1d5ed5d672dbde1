ALTER TABLE parcels DROP label, DROP address, DROP size_name, DROP sent, DROP arrived,
  ADD labels text[] DEFAULT '{}'::text[], ADD city name_of_place, ADD zip text, ADD size parcel_size, ADD during tstzrange;
