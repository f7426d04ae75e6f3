"""Lists that stay quick however long they are: searched, filtered, sorted along indexes, a page at a time."""
