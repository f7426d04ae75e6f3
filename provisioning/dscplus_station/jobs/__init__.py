"""What has to be done regularly, and who does it: one owner at a time."""
