INSERT INTO public.users SELECT i, 'First' || i || ' Last' || i, CASE i % 10 WHEN 7 THEN 'n/a' ELSE (i % 50)::text END, i + 0.25 FROM generate_series(1, 60) i;
