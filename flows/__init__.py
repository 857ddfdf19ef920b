"""Act: read, schedule, remember, send and render what the checks decide."""
