"""The story of one client, from the first order to the last deposit: real services on a moved clock."""
