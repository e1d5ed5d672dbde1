ALTER TABLE lines ADD slug text; UPDATE lines SET slug = lower(name); ALTER TABLE lines ALTER slug SET NOT NULL;
