"""Notices: what holders are told, by e-mail and text message, through a transactional outbox."""
