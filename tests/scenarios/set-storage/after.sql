ALTER TABLE events ALTER payload SET STORAGE external, ALTER note SET STORAGE main;
