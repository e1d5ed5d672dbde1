DROP TYPE old_status;
