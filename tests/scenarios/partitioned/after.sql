ALTER TABLE readings DROP probe, ADD unit text NOT NULL DEFAULT 'C', ADD celsius numeric NOT NULL, ADD CONSTRAINT not_too_cold CHECK (fahrenheit > -460);
CREATE INDEX readings_sensor_idx ON readings (sensor);
