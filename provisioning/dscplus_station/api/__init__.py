"""The login system's API: its own ASGI app, for the client portal, login servers, warehouses and auditors."""
